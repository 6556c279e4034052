// Buttons, selects and Discord's newer display components beneath a message, and the form that an interaction may open.

import { h, icon } from "./dom.js";
import * as api from "./api.js";
import { renderMarkdown } from "./markdown.js";
import { isThread, names, state } from "./store.js";

const KIND = {
  ROW: 1,
  BUTTON: 2,
  SELECT: 3,
  INPUT: 4,
  USERS: 5,
  ROLES: 6,
  MENTIONABLES: 7,
  CHANNELS: 8,
  SECTION: 9,
  TEXT: 10,
  SEPARATOR: 14,
  CONTAINER: 17,
  LABEL: 18,
};
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "linked" };
const LINK = 5;

/** The components of a message; `ui.pending` and `ui.failed` hold “message:custom_id” keys and message ids. */
export function componentRows(message, ui) {
  const list = message.components ?? [];
  if (list.length === 0) return null;
  return h(
    "div",
    { class: "components" },
    list.map((c) => draw(c, message, ui)),
    ui.failed.has(message.id) && h("div", { class: "interaction-failed", role: "alert" }, "This interaction failed"),
  );
}

function draw(c, message, ui) {
  switch (c.type) {
    case KIND.ROW:
      return h(
        "div",
        { class: "component-row" },
        (c.components ?? []).map((inner) => draw(inner, message, ui)),
      );
    case KIND.BUTTON:
      return button(c, message, ui);
    case KIND.SELECT:
    case KIND.USERS:
    case KIND.ROLES:
    case KIND.MENTIONABLES:
    case KIND.CHANNELS:
      return select(c, message, ui);
    case KIND.TEXT:
      return h("div", { class: "markup" }, renderMarkdown(c.content ?? "", names));
    case KIND.SECTION:
      return h(
        "div",
        { class: "component-section" },
        h(
          "div",
          null,
          (c.components ?? []).map((inner) => draw(inner, message, ui)),
        ),
        c.accessory && draw(c.accessory, message, ui),
      );
    case KIND.SEPARATOR:
      return h("hr", { class: c.divider === false ? "component-gap" : null });
    case KIND.CONTAINER:
      return h(
        "div",
        {
          class: "component-container",
          vars: c.accent_color == null ? null : { "--bar": `#${c.accent_color.toString(16).padStart(6, "0")}` },
        },
        (c.components ?? []).map((inner) => draw(inner, message, ui)),
      );
    default:
      return null;
  }
}

function button(c, message, ui) {
  const emoji = c.emoji?.name;
  const inner = [emoji && h("span", { class: "emoji" }, emoji), c.label];
  if (c.style === LINK) {
    return /^https?:\/\//i.test(c.url ?? "")
      ? h(
          "a",
          { class: "component-button secondary", href: c.url, target: "_blank", rel: "noopener noreferrer" },
          inner,
          " ↗",
        )
      : null;
  }
  const pending = ui.pending.has(`${message.id}:${c.custom_id}`);
  return h(
    "button",
    {
      type: "button",
      class: `component-button ${STYLES[c.style] ?? "secondary"}${pending ? " pending" : ""}`,
      disabled: c.disabled,
      "aria-label": c.label ? null : (emoji ?? "Button"),
      "aria-busy": pending ? "true" : null,
      "data-do": "button",
      "data-custom": c.custom_id,
      "data-key": `c-${c.custom_id}`,
    },
    inner,
  );
}

/** What a select offers: its own options, or people, roles and channels of the server. */
export function optionsOf(c) {
  const people = () => [...state.people.values()].map((p) => ({ label: p.name, value: p.id, emoji: { name: "@" } }));
  const roles = () => [...state.roles.values()].map((r) => ({ label: r.name, value: r.id, emoji: { name: "@" } }));
  const channels = () =>
    [...state.channels.values()]
      .filter((ch) => !isThread(ch))
      .map((ch) => ({ label: ch.name, value: ch.id, emoji: { name: "#" } }));
  return (
    {
      [KIND.USERS]: people,
      [KIND.ROLES]: roles,
      [KIND.MENTIONABLES]: () => [...people(), ...roles()],
      [KIND.CHANNELS]: channels,
    }[c.type]?.() ??
    c.options ??
    []
  );
}

function select(c, message, ui) {
  const chosen = (c.options ?? []).filter((o) => o.default);
  const pending = ui.pending.has(`${message.id}:${c.custom_id}`);
  return h(
    "button",
    {
      type: "button",
      class: `component-select${pending ? " pending" : ""}`,
      disabled: c.disabled,
      "aria-haspopup": "listbox",
      "aria-busy": pending ? "true" : null,
      "data-do": "select",
      "data-custom": c.custom_id,
      "data-key": `c-${c.custom_id}`,
    },
    h(
      "span",
      { class: chosen.length > 0 ? "" : "placeholder" },
      chosen.length > 0 ? chosen.map((o) => o.label).join(", ") : (c.placeholder ?? "Make a selection"),
    ),
    icon("chevron", 20),
  );
}

/** Finds a component by its custom id, however deep. */
export function findComponent(list, customId) {
  for (const c of list ?? []) {
    if (c.custom_id === customId) return c;
    const found = findComponent(
      [...(c.components ?? []), ...(c.accessory ? [c.accessory] : []), ...(c.component ? [c.component] : [])],
      customId,
    );
    if (found) return found;
  }
  return null;
}

/** The list that a select opens; `done(values)` is called once, with the choice. */
export function openSelect(c, anchor, done) {
  const max = c.max_values ?? 1;
  const min = c.min_values ?? 1;
  const chosen = new Set((c.options ?? []).filter((o) => o.default).map((o) => o.value));
  const list = h("div", {
    class: "popover select-list",
    role: "listbox",
    "aria-multiselectable": String(max > 1),
    popover: "auto",
  });
  let touched = false;
  // Closing the list, in whatever way, sends what was chosen.
  list.addEventListener("toggle", (event) => {
    if (event.newState === "closed" && touched && chosen.size >= min) done([...chosen]);
  });
  for (const o of optionsOf(c)) {
    const item = h(
      "button",
      { type: "button", role: "option", class: "select-option", "aria-selected": String(chosen.has(o.value)) },
      o.emoji?.name && h("span", { class: "emoji" }, o.emoji.name),
      h("span", { class: "select-text" }, h("span", null, o.label), o.description && h("small", null, o.description)),
    );
    item.addEventListener("click", () => {
      touched = true;
      if (max === 1) {
        chosen.clear();
        chosen.add(o.value);
        list.hidePopover();
        return;
      }
      if (chosen.has(o.value)) chosen.delete(o.value);
      else if (chosen.size < max) chosen.add(o.value);
      item.setAttribute("aria-selected", String(chosen.has(o.value)));
    });
    list.append(item);
  }
  if (max > 1)
    list.append(
      h(
        "button",
        { type: "button", class: "component-button primary select-done", onclick: () => list.hidePopover() },
        "Done",
      ),
    );
  place(list, anchor);
}

/** Shows a popover beside `anchor`, inside of the window. */
export function place(popover, anchor) {
  document.body.append(popover);
  popover.addEventListener("toggle", (event) => event.newState === "closed" && popover.remove());
  popover.showPopover();
  const from = anchor.getBoundingClientRect();
  const { width, height } = popover.getBoundingClientRect();
  const below = from.bottom + 4 + height <= innerHeight;
  popover.style.left = `${Math.max(8, Math.min(from.left, innerWidth - width - 8))}px`;
  popover.style.top = `${below ? from.bottom + 4 : Math.max(8, from.top - height - 4)}px`;
  popover.addEventListener("keydown", (event) => {
    const items = [...popover.querySelectorAll("button:not(:disabled)")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target.matches("input")) return;
    event.preventDefault();
    items[(items.indexOf(document.activeElement) + step + items.length) % items.length]?.focus();
  });
  popover.querySelector("input, button:not(:disabled)")?.focus();
}

/** Shows the form (a Discord modal) that an interaction opened: `{interaction, modal: {custom_id, title, components}}`. */
export function openForm({ interaction, modal: form }, report) {
  const inputs = [];
  const fields = (form.components ?? []).flatMap((c) =>
    c.type === KIND.LABEL
      ? [{ ...c.component, label: c.label, hint: c.description }]
      : c.type === KIND.ROW
        ? (c.components ?? [])
        : [c],
  );
  const dialog = h("dialog", { class: "dialog", "aria-label": form.title });
  const rows = fields
    .filter((f) => f.type === KIND.INPUT)
    .map((f) => {
      const input = h(f.style === 2 ? "textarea" : "input", {
        required: f.required ?? true,
        minlength: f.min_length,
        maxlength: f.max_length,
        placeholder: f.placeholder,
        rows: f.style === 2 ? "5" : null,
      });
      input.value = f.value ?? "";
      inputs.push({ custom_id: f.custom_id, input });
      return h(
        "label",
        { class: "field" },
        h("span", { class: "field-label" }, f.label, (f.required ?? true) && h("span", { class: "required" }, " *")),
        f.hint && h("small", null, f.hint),
        input,
      );
    });
  const body = h(
    "form",
    { method: "dialog" },
    h("h2", null, form.title ?? "Form"),
    rows,
    h(
      "div",
      { class: "dialog-buttons" },
      h("button", { type: "button", class: "component-button plain", onclick: () => dialog.close() }, "Cancel"),
      h("button", { type: "submit", class: "component-button primary" }, "Submit"),
    ),
  );
  body.addEventListener("submit", async (event) => {
    event.preventDefault();
    dialog.close();
    try {
      await api.modal({
        as: state.me,
        interaction,
        custom_id: form.custom_id,
        inputs: inputs.map(({ custom_id, input }) => ({ custom_id, value: input.value })),
      });
    } catch (error) {
      report(error);
    }
  });
  dialog.append(body);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
