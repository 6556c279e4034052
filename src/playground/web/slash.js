// A slash command being filled in: a pill with its name and one field per option, as in Discord's composer.

import * as api from "./api.js";
import { h, show } from "./dom.js";
import { avatar } from "./message.js";
import { ranked } from "./suggest.js";
import { state } from "./store.js";

const OPTION = {
  SUB: 1,
  GROUP: 2,
  STRING: 3,
  INTEGER: 4,
  BOOLEAN: 5,
  USER: 6,
  CHANNEL: 7,
  ROLE: 8,
  MENTIONABLE: 9,
  NUMBER: 10,
};
const CHAT_INPUT = 1;
const AUTOCOMPLETE_MS = 150;

/** Commands with their subcommands, one entry for everything that can be sent: `{root, path, label, description, options}`. */
export function entries() {
  const out = [];
  const walk = (root, node, path) => {
    const subs = (node.options ?? []).filter((o) => o.type === OPTION.SUB || o.type === OPTION.GROUP);
    if (subs.length > 0) subs.forEach((sub) => walk(root, sub, [...path, sub]));
    else
      out.push({
        root,
        path,
        label: [root, ...path].map((n) => n.name).join(" "),
        description: node.description ?? "",
        options: node.options ?? [],
      });
  };
  for (const command of state.commands) if ((command.type ?? CHAT_INPUT) === CHAT_INPUT) walk(command, command, []);
  return out;
}

export class SlashForm {
  /** `suggest`: the list; `onSend(body)`, `onCancel(text)`. */
  constructor(box, suggest, { onSend, onCancel }) {
    Object.assign(this, { box, suggest, onSend, onCancel, entry: null, fields: [], asked: 0, timer: 0 });
    box.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("input", (event) => this.#typed(event.target));
    box.addEventListener("focusin", (event) => this.#focused(event.target));
    box.addEventListener("focusout", (event) => !box.contains(event.relatedTarget) && suggest.hide());
    box.addEventListener("click", (event) => event.target === box && this.fields.at(-1)?.input.focus());
  }

  get open() {
    return this.entry !== null;
  }

  /** Starts with `entry`; `text` goes into its first option. */
  start(entry, text = "") {
    this.entry = entry;
    this.fields = [];
    this.suggest.hide();
    show(this.box, true);
    const required = entry.options.filter((o) => o.required);
    for (const option of required.length > 0 ? required : text ? entry.options.slice(0, 1) : []) this.#add(option);
    if (text && this.fields[0]) this.fields[0].input.value = text;
    this.#draw();
    (this.fields[0]?.input ?? this.box.querySelector(".command-end")).focus();
  }

  close() {
    this.entry = null;
    this.fields = [];
    this.asked += 1;
    this.suggest.hide();
    this.box.replaceChildren();
    show(this.box, false);
  }

  #add(option) {
    const input = h("input", {
      class: "option-input",
      "aria-label": `${option.name}: ${option.description ?? ""}`,
      autocomplete: "off",
      spellcheck: "false",
      maxlength: option.max_length ?? 6000,
      inputmode: option.type === OPTION.INTEGER ? "numeric" : null,
      role: "combobox",
      "aria-controls": "suggest",
      "aria-expanded": "false",
    });
    const field = { option, input, picked: null };
    this.fields.push(field);
    return field;
  }

  #draw() {
    const unused = this.#unused();
    const end = h("input", {
      class: "command-end",
      readonly: true,
      "aria-label": unused.length > 0 ? "More options; Enter sends" : "Enter sends",
    });
    this.box.replaceChildren(
      h("span", { class: "command-pill" }, `/${this.entry.label}`),
      ...this.fields.map((f) => {
        size(f.input);
        return h("label", { class: "option" }, h("span", { class: "option-name" }, f.option.name), f.input);
      }),
      ...(unused.length > 0
        ? [
            h(
              "button",
              { type: "button", class: "option-more", onclick: () => end.focus() },
              `+${unused.length} optional`,
            ),
          ]
        : []),
      end,
    );
  }

  #unused() {
    return this.entry.options.filter((o) => !this.fields.some((f) => f.option.name === o.name));
  }

  #fieldOf(target) {
    return this.fields.find((f) => f.input === target);
  }

  #focused(target) {
    const field = this.#fieldOf(target);
    if (field) this.#offer(field);
    else if (target.matches(".command-end")) this.#offerOptions();
  }

  #offerOptions() {
    const unused = this.#unused();
    if (unused.length === 0) {
      this.suggest.show(this.entry.description, [], {});
      return;
    }
    const add = (option) => {
      const field = this.#add(option);
      this.#draw();
      field.input.focus();
    };
    this.suggest.show(
      this.entry.description,
      unused.map((o) => ({ section: "Optional", label: o.name, detail: o.description, pick: () => add(o) })),
      { first: false },
    );
  }

  #typed(target) {
    const field = this.#fieldOf(target);
    if (!field) return;
    field.picked = null;
    field.input.closest(".option").classList.remove("wrong");
    size(field.input);
    this.#offer(field);
  }

  #offer(field) {
    const { option, input } = field;
    const title = [h("b", null, option.name), ` ${option.description ?? ""}`];
    const asked = ++this.asked;
    if (option.autocomplete) {
      if (!this.suggest.open) this.suggest.show([title, " · loading…"], []);
      clearTimeout(this.timer);
      this.timer = setTimeout(async () => {
        let choices = [];
        try {
          const answer = await api.autocomplete({
            as: state.me,
            channel: state.current,
            name: this.entry.root.name,
            option: option.name,
            value: input.value,
            options: this.#nested(field),
          });
          choices = answer?.choices ?? [];
        } catch {
          // No suggestions, then; the text can still be sent as typed.
        }
        if (asked === this.asked && this.open) this.#list(field, title, choices, input.value !== "");
      }, AUTOCOMPLETE_MS);
      return;
    }
    this.#list(
      field,
      title,
      ranked(fixedChoices(option), field.picked ? "" : input.value, (c) => c.name),
      option.required || input.value !== "",
    );
  }

  #list(field, title, choices, first) {
    const exact =
      field.picked || choices.some((c) => c.name === field.input.value || String(c.value) === field.input.value);
    this.suggest.show(
      title,
      choices.map((c) => ({ label: c.name, detail: c.detail, lead: c.lead, pick: () => this.#pick(field, c) })),
      { first: first && !exact },
    );
  }

  #pick(field, choice) {
    field.input.value = choice.name;
    field.picked = choice;
    field.input.closest(".option").classList.remove("wrong");
    size(field.input);
    this.asked += 1;
    this.suggest.hide();
    const next = this.fields.find((f) => !f.input.value) ?? null;
    (next?.input ?? this.box.querySelector(".command-end")).focus();
  }

  #key(event) {
    if (this.suggest.key(event)) {
      event.preventDefault();
      return;
    }
    const at = this.fields.findIndex((f) => f.input === event.target);
    if (event.key === "Enter" && !event.isComposing && event.target.tagName === "INPUT") {
      event.preventDefault();
      this.#send();
    } else if (event.key === "Escape") {
      this.#cancel("");
    } else if (event.key === "Backspace" && (at < 0 || event.target.value === "")) {
      event.preventDefault();
      this.#back(at);
    } else if (
      event.target.matches(".command-end") &&
      (event.key.length === 1 || event.key === "Tab") &&
      !(event.key === "Tab" && event.shiftKey) &&
      !event.ctrlKey &&
      !event.metaKey &&
      event.key !== " "
    ) {
      // Typing on, or Tab, without choosing an option means the first that is left.
      const option = this.#unused()[0];
      if (!option) return;
      if (event.key === "Tab") event.preventDefault();
      const field = this.#add(option);
      this.#draw();
      field.input.focus();
    }
  }

  /** Backspace: from the end to the last option, an empty optional one goes, before the first the command goes. */
  #back(at) {
    const field = this.fields[at];
    if (at < 0 && this.fields.length > 0) {
      this.fields.at(-1).input.focus();
    } else if (field && !field.option.required) {
      this.fields.splice(at, 1);
      this.#draw();
      (this.fields.at(-1)?.input ?? this.box.querySelector(".command-end")).focus();
    } else if (at <= 0) {
      this.#cancel(`/${this.entry.label}`);
    } else {
      this.fields[at - 1].input.focus();
    }
  }

  #cancel(text) {
    this.close();
    this.onCancel(text);
  }

  #values(strict) {
    const out = [];
    for (const field of this.fields) {
      const value = valueOf(field);
      const missing = value === undefined && (field.option.required || field.input.value !== "");
      if (strict && missing) {
        field.input.closest(".option").classList.add("wrong");
        field.input.focus();
        return null;
      }
      if (value !== undefined) out.push({ name: field.option.name, type: field.option.type, value });
    }
    return out;
  }

  #wrapped(values) {
    return this.entry.path.reduceRight((options, sub) => [{ name: sub.name, type: sub.type, options }], values);
  }

  #nested(focused) {
    const values = this.#values(false).filter((v) => v.name !== focused.option.name);
    return this.#wrapped([
      ...values,
      { name: focused.option.name, type: focused.option.type, value: focused.input.value, focused: true },
    ]);
  }

  /** Sends what was filled in, if it is complete. */
  submit() {
    this.#send();
  }

  #send() {
    const values = this.#values(true);
    if (!values) return;
    const body = { name: this.entry.root.name, options: this.#wrapped(values) };
    this.close();
    this.onSend(body);
  }
}

function size(input) {
  input.style.width = `${Math.min(48, Math.max(4, input.value.length + 1))}ch`;
}

function fixedChoices(option) {
  const person = (p) => ({ name: `@${p.name}`, value: p.id, detail: p.label, lead: avatar(p, "tiny") });
  const role = (r) => ({ name: `@${r.name}`, value: r.id, detail: "role" });
  switch (option.type) {
    case OPTION.BOOLEAN:
      return [
        { name: "True", value: true },
        { name: "False", value: false },
      ];
    case OPTION.USER:
      return [...state.people.values()].map(person);
    case OPTION.ROLE:
      return [...state.roles.values()].map(role);
    case OPTION.MENTIONABLE:
      return [...[...state.people.values()].map(person), ...[...state.roles.values()].map(role)];
    case OPTION.CHANNEL:
      return [...state.channels.values()].map((c) => ({ name: `#${c.name}`, value: c.id }));
    default:
      return option.choices ?? [];
  }
}

/** The value to send; undefined while it is missing or not of the option's type. */
function valueOf({ option, input, picked }) {
  if (picked) return picked.value;
  const text = input.value.trim();
  if (!text) return undefined;
  const fixed = fixedChoices(option);
  if (fixed.length > 0)
    return fixed.find(
      (c) =>
        c.name.toLowerCase().replace(/^[@#]/, "") === text.toLowerCase().replace(/^[@#]/, "") ||
        String(c.value) === text,
    )?.value;
  if (option.type === OPTION.INTEGER) return /^-?\d+$/.test(text) ? Number(text) : undefined;
  if (option.type === OPTION.NUMBER) return Number.isFinite(Number(text)) ? Number(text) : undefined;
  return text;
}
