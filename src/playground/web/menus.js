// What opens over the page: context menu, emoji picker, dialogs, the enlarged picture, and short notices.

import { h, icon } from "./dom.js";
import { place } from "./components.js";

/** name → emoji; the usual ones, in the order of the picker. */
export const EMOJI = {
  thumbsup: "👍",
  thumbsdown: "👎",
  heart: "❤️",
  joy: "😂",
  tada: "🎉",
  eyes: "👀",
  fire: "🔥",
  rocket: "🚀",
  white_check_mark: "✅",
  x: "❌",
  warning: "⚠️",
  question: "❓",
  exclamation: "❗",
  hundred: "💯",
  pray: "🙏",
  clap: "👏",
  smile: "😄",
  slight_smile: "🙂",
  wink: "😉",
  sunglasses: "😎",
  thinking: "🤔",
  sweat_smile: "😅",
  sob: "😭",
  angry: "😠",
  scream: "😱",
  sleeping: "😴",
  partying_face: "🥳",
  facepalm: "🤦",
  shrug: "🤷",
  wave: "👋",
  ok_hand: "👌",
  muscle: "💪",
  point_up: "☝️",
  raised_hands: "🙌",
  robot: "🤖",
  ghost: "👻",
  bug: "🐛",
  crab: "🦀",
  snake: "🐍",
  cat: "🐱",
  dog: "🐶",
  sparkles: "✨",
  star: "⭐",
  zap: "⚡",
  bulb: "💡",
  lock: "🔒",
  key: "🔑",
  hammer: "🔨",
  wrench: "🔧",
  gear: "⚙️",
  package: "📦",
  memo: "📝",
  books: "📚",
  mag: "🔍",
  link: "🔗",
  pushpin: "📌",
  calendar: "📅",
  hourglass: "⌛",
  stop_sign: "🛑",
  green_circle: "🟢",
  yellow_circle: "🟡",
  red_circle: "🔴",
  coffee: "☕",
  pizza: "🍕",
};
const QUICK = ["👍", "✅", "👀", "🎉"];

/** Offers emoji beside `anchor`; `done(emoji)`. */
export function pickEmoji(anchor, done) {
  const grid = h("div", { class: "emoji-grid" });
  const search = h("input", {
    class: "emoji-search",
    placeholder: "Find the perfect emoji",
    "aria-label": "Search emoji",
  });
  const popover = h(
    "div",
    { class: "popover emoji-picker", popover: "auto", role: "dialog", "aria-label": "Emoji" },
    search,
    grid,
  );
  const fill = () => {
    const wanted = search.value.trim().toLowerCase();
    grid.replaceChildren(
      ...Object.entries(EMOJI)
        .filter(([name]) => name.includes(wanted))
        .map(([name, emoji]) =>
          h(
            "button",
            {
              type: "button",
              class: "emoji-cell",
              title: `:${name}:`,
              "aria-label": name,
              onclick: () => {
                popover.hidePopover();
                done(emoji);
              },
            },
            emoji,
          ),
        ),
    );
  };
  search.addEventListener("input", fill);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") grid.querySelector("button")?.click();
  });
  fill();
  place(popover, anchor);
}

/** A menu at `anchor` (an element, or a point as {x, y}). `items`: {label, icon, danger, run}; null draws a line. */
export function openMenu(anchor, items, onReact) {
  const menu = h("div", { class: "popover menu", popover: "auto", role: "menu" });
  const close = (run) => () => {
    menu.hidePopover();
    run();
  };
  if (onReact) {
    menu.append(
      h(
        "div",
        { class: "menu-quick" },
        QUICK.map((emoji) =>
          h(
            "button",
            {
              type: "button",
              role: "menuitem",
              "aria-label": `React with ${emoji}`,
              onclick: close(() => onReact(emoji)),
            },
            emoji,
          ),
        ),
      ),
    );
  }
  for (const item of items) {
    menu.append(
      item
        ? h(
            "button",
            {
              type: "button",
              role: "menuitem",
              class: item.danger ? "menu-item danger" : "menu-item",
              onclick: close(item.run),
            },
            h("span", null, item.label),
            icon(item.icon, 18),
          )
        : h("hr"),
    );
  }
  place(
    menu,
    anchor instanceof Element ? anchor : { getBoundingClientRect: () => new DOMRect(anchor.x, anchor.y, 0, 0) },
  );
}

function dialog(title, body, buttons, onSubmit) {
  const box = h("dialog", { class: "dialog", "aria-label": title });
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", null, title),
    body,
    h(
      "div",
      { class: "dialog-buttons" },
      h("button", { type: "button", class: "component-button plain", onclick: () => box.close() }, "Cancel"),
      buttons,
    ),
  );
  form.addEventListener("submit", () => onSubmit());
  box.append(form);
  box.addEventListener("click", (event) => event.target === box && box.close());
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}

export function confirmDelete(text, onYes) {
  dialog(
    "Delete Message",
    h(
      "div",
      null,
      h("p", null, "Are you sure you want to delete this message?"),
      h("blockquote", { class: "dialog-quote" }, text),
    ),
    h("button", { type: "submit", class: "component-button danger", autofocus: true }, "Delete"),
    onYes,
  );
}

export function askThreadName(suggestion, onName) {
  const input = h("input", { maxlength: "100", placeholder: "New Thread", "aria-label": "Thread name" });
  input.value = suggestion;
  dialog(
    "Create Thread",
    h("label", { class: "field" }, h("span", { class: "field-label" }, "Thread name"), input),
    h("button", { type: "submit", class: "component-button primary" }, "Create thread"),
    () => onName(input.value.trim() || "New Thread"),
  );
  input.select();
}

/** Shows a picture as large as the window allows. */
export function enlarge(url, alt) {
  const box = h(
    "dialog",
    { class: "lightbox", "aria-label": alt },
    h("img", { src: url, alt }),
    h("a", { href: url, target: "_blank", rel: "noopener" }, "Open in browser"),
  );
  box.addEventListener("click", (event) => event.target.tagName !== "A" && box.close());
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}

const NOTICE_MS = 6000;

/** A sentence at the edge of the window that goes by itself. */
export function notice(text, kind = "error") {
  const box = document.querySelector("#notices");
  const note = h("div", { class: `notice ${kind}`, role: "status" }, h("span", null, text));
  const close = h(
    "button",
    { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => note.remove() },
    icon("close", 16),
  );
  note.append(close);
  box.append(note);
  setTimeout(() => note.remove(), NOTICE_MS);
}
