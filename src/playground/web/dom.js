// Building and updating DOM without innerHTML: content from people and models only ever becomes text nodes and checked attributes.

/**
 * Makes an element. `attrs`: `class`, `data-*`, `aria-*` …; `on*` functions become listeners; `vars` sets CSS custom
 * properties; null, undefined and false leave an attribute out. Children: nodes, strings, arrays; null and false are skipped.
 */
export function h(tag, attrs, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs ?? {})) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) el.addEventListener(name.slice(2), value);
    else if (name === "vars") for (const [k, v] of Object.entries(value)) el.style.setProperty(k, v);
    else el.setAttribute(name, value === true ? "" : String(value));
  }
  add(el, children);
  return el;
}

/** Appends children as `h` understands them. */
export function add(el, children) {
  for (const child of Array.isArray(children) ? children : [children]) {
    if (child == null || child === false || child === "") continue;
    if (Array.isArray(child)) add(el, child);
    else el.append(child);
  }
  return el;
}

/** A hidden control stays in the layout tree: `hidden` with a boolean. */
export function show(el, visible) {
  el.hidden = !visible;
}

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  hash: "M9.6 3 8.9 7.5H4.6l-.3 2h4.3l-.8 5H3.5l-.3 2h4.3L6.8 21h2l.7-4.5h5L13.8 21h2l.7-4.5h4.3l.3-2h-4.3l.8-5h4.3l.3-2h-4.3L18.3 3h-2l-.7 4.5h-5L11.6 3h-2Zm.7 6.5h5l-.8 5h-5l.8-5Z",
  thread:
    "M5 3h2v3h11a3 3 0 0 1 3 3v7a3 3 0 0 1-3 3h-3l-4 3v-3H9v-2h4v1l1.5-1H18a1 1 0 0 0 1-1V9a1 1 0 0 0-1-1H7v4H5V3Zm4 7h8v2H9v-2Z",
  plus: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6V5Z",
  menu: "M3 5h18v2H3V5Zm0 6h18v2H3v-2Zm0 6h18v2H3v-2Z",
  people:
    "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm0 2c-4 0-7 2-7 5v2h14v-2c0-3-3-5-7-5Zm8-2a3.5 3.5 0 1 0-1.8-6.5 6 6 0 0 1-.3 6.2c.6.2 1.3.3 2.1.3Zm.3 2c1 1.2 1.7 2.8 1.7 5v2h3v-2c0-2.7-2-4.7-4.7-5Z",
  reply: "M10 8.3V4l-8 8 8 8v-4.5c5 0 8.5 1.5 11 5.5-.5-7-4.5-12.2-11-12.7Z",
  react:
    "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20Zm0 2a8 8 0 1 1 0 16 8 8 0 0 1 0-16ZM8.5 8a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3Zm7 0a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3ZM7 13c.5 3 2.5 4.5 5 4.5s4.5-1.5 5-4.5H7Z",
  edit: "m16.5 3.5 4 4L8 20H4v-4L16.5 3.5Zm0 2.8L6 16.8V18h1.2L17.7 7.5l-1.2-1.2Z",
  trash: "M9 3h6l1 2h4v2H4V5h4l1-2ZM5.5 8h13l-1 13h-11l-1-13Zm4 3v7h1.5v-7H9.5Zm3.5 0v7h1.5v-7H13Z",
  more: "M5 10a2 2 0 1 1 0 4 2 2 0 0 1 0-4Zm7 0a2 2 0 1 1 0 4 2 2 0 0 1 0-4Zm7 0a2 2 0 1 1 0 4 2 2 0 0 1 0-4Z",
  close: "m6.4 5 5.6 5.6L17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6 10.6 12 5 6.4 6.4 5Z",
  file: "M6 2h8l5 5v15H5V2h1Zm7 2H7v16h10V8h-4V4Z",
  download: "M11 3h2v9l3.5-3.5L18 10l-6 6-6-6 1.5-1.5L11 12V3ZM4 18h16v2H4v-2Z",
  eye: "M12 5c5 0 8.5 4 10 7-1.5 3-5 7-10 7s-8.5-4-10-7c1.5-3 5-7 10-7Zm0 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Zm0 2.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4Z",
  chevron: "m7 9 5 5 5-5 1.4 1.4L12 16.8 5.6 10.4 7 9Z",
  send: "M3 3.5 22 12 3 20.5 5.5 13H13v-2H5.5L3 3.5Z",
  slash: "M4 3h16a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1Zm10 3-5.5 12h2L16 6h-2Z",
  copy: "M8 3h11v13h-2V5H8V3ZM5 7h10v14H5V7Zm2 2v10h6V9H7Z",
};

/** A decorative icon; the control around it carries the label. */
export function icon(name, size = 20) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [k, v] of Object.entries({
    viewBox: "0 0 24 24",
    width: size,
    height: size,
    "aria-hidden": "true",
    fill: "currentColor",
  })) {
    svg.setAttribute(k, v);
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows an icon alone. */
export function iconButton(name, label, attrs) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, ...attrs }, icon(name));
}

/**
 * Makes `from` look like `to` while keeping every node that can stay, so that a message that is edited ten times in a
 * row neither flickers nor loses a scroll position, a selection or an opened spoiler. Rules: elements with different
 * tags or different `data-key` are exchanged; inside `data-opaque` nothing is touched; attributes named in `data-keep`
 * belong to the person who clicked, not to the message.
 */
export function morph(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.hasAttribute("data-opaque") && to.hasAttribute("data-opaque")) return;
  const kept = (from.getAttribute("data-keep") ?? "").split(" ");
  for (const { name, value } of [...to.attributes]) {
    if (kept.includes(name) || from.getAttribute(name) === value) continue;
    // The page's content security policy refuses a style attribute that is written as text.
    if (name === "style") from.style.cssText = value;
    else from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (!kept.includes(name) && !to.hasAttribute(name)) from.removeAttribute(name);
  }
  morphChildren(from, [...to.childNodes]);
}

/** Makes the children of `parent` look like `wanted`; see `morph`. */
export function morphChildren(parent, wanted) {
  let at = parent.firstChild;
  for (const want of wanted) {
    let match = at;
    const key = keyOf(want);
    // A keyed node may have moved up because something before it was removed.
    if (key) while (match && keyOf(match) !== key) match = match.nextSibling;
    if (match && alike(match, want)) {
      while (at !== match) {
        const next = at.nextSibling;
        at.remove();
        at = next;
      }
      at = match.nextSibling;
      morph(match, want);
    } else if (at && !keyOf(at) && !key) {
      const next = at.nextSibling;
      at.replaceWith(want);
      at = next;
    } else {
      parent.insertBefore(want, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);
const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);
