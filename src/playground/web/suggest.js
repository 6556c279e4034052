// The list above the composer: commands, people, channels, emoji, and the values of a command's option.

import { h, show } from "./dom.js";

const ROWS_MAX = 50;

/**
 * `items`: `{label, detail?, lead?, section?, pick()}`. Whoever owns the text field forwards its keys to `key(event)`,
 * which says whether it used them up.
 */
export class Suggest {
  constructor(box, field) {
    this.box = box;
    this.field = field;
    this.items = [];
    this.active = -1;
    box.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    box.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.items[Number(option.dataset.n)]?.pick();
    });
    box.addEventListener("pointermove", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.#activate(Number(option.dataset.n), false);
    });
  }

  get open() {
    return !this.box.hidden;
  }

  /** `first`: whether the first row is chosen by Enter right away. */
  show(title, items, { first = true } = {}) {
    this.items = items.slice(0, ROWS_MAX);
    if (this.items.length === 0 && !title) {
      this.hide();
      return;
    }
    let section = null;
    const rows = this.items.flatMap((item, n) => {
      const heading =
        item.section && item.section !== section ? h("div", { class: "suggest-section" }, item.section) : null;
      section = item.section;
      return [
        heading,
        h(
          "div",
          { role: "option", id: `suggest-${n}`, class: "suggest-row", "data-n": n, "aria-selected": "false" },
          item.lead && h("span", { class: "suggest-lead" }, item.lead),
          h(
            "span",
            { class: "suggest-text" },
            h("span", { class: "suggest-label" }, item.label),
            item.detail && h("span", { class: "suggest-detail" }, item.detail),
          ),
          item.side && h("span", { class: "suggest-side" }, item.side),
        ),
      ];
    });
    this.box.replaceChildren(...[title && h("div", { class: "suggest-title" }, title), ...rows].filter(Boolean));
    this.box.scrollTop = 0;
    show(this.box, true);
    this.active = -1;
    this.#activate(first && this.items.length > 0 ? 0 : -1, true);
  }

  hide() {
    show(this.box, false);
    this.items = [];
    this.active = -1;
    this.field()?.removeAttribute("aria-activedescendant");
  }

  key(event) {
    if (!this.open || event.isComposing) return false;
    if (event.key === "Escape") {
      this.hide();
      return true;
    }
    if (this.items.length === 0) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      const n = this.items.length;
      this.#activate(this.active < 0 && step < 0 ? n - 1 : (this.active + step + n) % n, true);
      return true;
    }
    if ((event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)) && !event.ctrlKey && this.active >= 0) {
      this.items[this.active].pick();
      return true;
    }
    return false;
  }

  #activate(n, scroll) {
    if (n === this.active) return;
    this.box.querySelector('[aria-selected="true"]')?.setAttribute("aria-selected", "false");
    this.active = n;
    const row = this.box.querySelector(`[data-n="${n}"]`);
    row?.setAttribute("aria-selected", "true");
    if (row && scroll) row.scrollIntoView({ block: "nearest" });
    if (row) this.field()?.setAttribute("aria-activedescendant", row.id);
    else this.field()?.removeAttribute("aria-activedescendant");
  }
}

/** Orders by how well `text` matches: at the start, at the start of a word, anywhere. Those that do not match fall out. */
export function ranked(list, text, nameOf) {
  const wanted = text.toLowerCase();
  const score = (name) =>
    name.startsWith(wanted)
      ? 0
      : new RegExp(`[\\s_./-]${wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`).test(name)
        ? 1
        : name.includes(wanted)
          ? 2
          : 3;
  return list
    .map((item, n) => ({ item, n, s: score(nameOf(item).toLowerCase()) }))
    .filter(({ s }) => s < 3)
    .sort((a, b) => a.s - b.s || a.n - b.n)
    .map(({ item }) => item);
}
