// Where a person writes: text with suggestions, files, replies, slash commands.

import * as api from "./api.js";
import { h, icon, iconButton, morphChildren, show } from "./dom.js";
import { attempt, createThread, editLast } from "./actions.js";
import { grow, toBottom } from "./chat.js";
import { fileSize } from "./format.js";
import { toWire } from "./mentions.js";
import { askThreadName, EMOJI, notice, openMenu, pickEmoji } from "./menus.js";
import { avatar } from "./message.js";
import { entries, SlashForm } from "./slash.js";
import { authorOf, bot, isThread, me, on, state } from "./store.js";
import { ranked, Suggest } from "./suggest.js";

const CONTENT_UNITS_MAX = 2000;
const COUNTER_FROM = 1800;
const FILES_MAX = 10;
const TYPING_EVERY_MS = 6000;

const $ = (selector) => document.querySelector(selector);
const input = $("#input");
const tray = $("#tray");
const replyBar = $("#reply-bar");

let files = [];
let replyTo = null;
let lastTyping = 0;
let shownFor = null;
/** channel id → text not sent yet */
const drafts = new Map();

const suggest = new Suggest($("#suggest"), () => document.activeElement);
const slash = new SlashForm($("#slash"), suggest, {
  onSend(body) {
    toText("");
    toBottom();
    attempt(api.runCommand({ as: state.me, channel: state.current, ...body }));
  },
  onCancel: toText,
});

export function startComposer() {
  on("current", changeChannel);
  on("state", changeChannel);
  on("channels", drawPlaceholder);
  on("removed", (message) => message === replyTo && reply(null));
  input.addEventListener("input", typed);
  input.addEventListener("keydown", onKey);
  input.addEventListener("click", offer);
  input.addEventListener("blur", () => suggest.hide());
  input.addEventListener("paste", (event) => {
    if (event.clipboardData.files.length > 0) {
      event.preventDefault();
      attach(event.clipboardData.files);
    }
  });
  $("#file-input").addEventListener("change", (event) => {
    attach(event.target.files);
    event.target.value = "";
  });
  $("#attach").addEventListener("click", (event) =>
    openMenu(event.currentTarget, [
      { label: "Upload a file", icon: "file", run: () => $("#file-input").click() },
      ...(isThread(state.channels.get(state.current))
        ? []
        : [
            {
              label: "Create thread",
              icon: "thread",
              run: () => askThreadName("", (name) => createThread({ channel: state.current, name })),
            },
          ]),
      { label: "Use a command", icon: "slash", run: () => toText("/", true) },
    ]),
  );
  $("#emoji").addEventListener("click", (event) => pickEmoji(event.currentTarget, (emoji) => insert(emoji)));
  $("#send").addEventListener("click", () => (slash.open ? slash.submit() : send()));
  dropZone();
  // Typing anywhere on the page writes into the composer.
  document.addEventListener("keydown", (event) => {
    const free = document.activeElement === document.body || document.activeElement?.matches("#scroller, .row");
    if (free && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && event.key !== " ")
      input.focus();
  });
}

/** Puts a text into the composer for the person to send. */
export function toText(text, andOffer = text.startsWith("/")) {
  slash.close();
  show(input, true);
  input.value = text;
  grow(input);
  input.focus();
  input.setSelectionRange(text.length, text.length);
  if (andOffer) offer();
}

/** Sends `text` as if it had been typed. */
export function say(text) {
  return post(text, [], null);
}

/** The next message answers `message`; null: no longer. */
export function reply(message) {
  replyTo = message;
  show(replyBar, Boolean(message));
  if (!message) return;
  const author = authorOf(message.author);
  replyBar.replaceChildren(
    h("span", null, "Replying to ", h("b", { vars: { "--name": author.color } }, author.name)),
    iconButton("close", "Do not reply", { onclick: () => reply(null) }),
  );
  input.focus();
}

function changeChannel() {
  if (shownFor === state.current) return drawPlaceholder();
  if (shownFor && !slash.open) drafts.set(shownFor, input.value);
  shownFor = state.current;
  slash.close();
  show(input, true);
  input.value = drafts.get(shownFor) ?? "";
  grow(input);
  reply(null);
  setFiles([]);
  drawPlaceholder();
  if (matchMedia("(pointer: fine)").matches) input.focus();
}

function drawPlaceholder() {
  const channel = state.channels.get(state.current);
  if (!channel) return;
  const name = isThread(channel) ? channel.name : `#${channel.name}`;
  input.placeholder = `Message ${name}`;
  input.setAttribute("aria-label", `Message ${name} as ${me().name}`);
}

function typed() {
  grow(input);
  offer();
  drawCounter();
  if (Date.now() - lastTyping > TYPING_EVERY_MS && input.value && !input.value.startsWith("/")) {
    lastTyping = Date.now();
    api.typing({ as: state.me, channel: state.current });
  }
}

function drawCounter() {
  const left = CONTENT_UNITS_MAX - input.value.length;
  const counter = $("#counter");
  show(counter, input.value.length >= COUNTER_FROM);
  counter.textContent = String(left);
  counter.classList.toggle("over", left < 0);
}

function onKey(event) {
  if (suggest.key(event)) {
    event.preventDefault();
    return;
  }
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    // On a phone the key makes a line break, the button sends.
    if (matchMedia("(pointer: coarse) and (max-width: 600px)").matches) return;
    event.preventDefault();
    send();
  } else if (event.key === "ArrowUp" && input.value === "") {
    if (editLast()) event.preventDefault();
  } else if (event.key === "PageUp" || event.key === "PageDown") {
    event.preventDefault();
    $("#scroller").scrollBy(0, (event.key === "PageUp" ? -0.8 : 0.8) * $("#scroller").clientHeight);
  } else if (event.key === "Escape") {
    if (replyTo) reply(null);
    else toBottom();
  }
}

function send() {
  const text = input.value.trim();
  const command = text.startsWith("/") ? commandIn(text) : null;
  if (command) {
    startCommand(command.entry, command.rest);
    return;
  }
  if (!text && files.length === 0) return;
  if (toWire(text).length > CONTENT_UNITS_MAX) {
    notice(`Your message is too long: Discord takes ${CONTENT_UNITS_MAX} characters. Send it as a file instead.`);
    return;
  }
  const attached = files;
  const answered = replyTo;
  toText("");
  setFiles([]);
  reply(null);
  drawCounter();
  post(text, attached, answered);
}

async function post(text, attached, answered) {
  toBottom();
  const channel = state.current;
  lastTyping = 0;
  try {
    await api.sendMessage(
      { as: state.me, channel, content: toWire(text), ...(answered ? { reply_to: answered.id } : {}) },
      attached,
    );
  } catch (error) {
    notice(error.message);
    // What could not be sent comes back, unless something new has been begun.
    if (state.current === channel && !input.value && files.length === 0) {
      toText(text, false);
      setFiles(attached);
      reply(answered);
    }
  }
}

/** The command that a text begins with: “/session list foo” → its entry and “foo”. */
function commandIn(text) {
  const body = text.slice(1).toLowerCase();
  const entry = entries()
    .sort((a, b) => b.label.length - a.label.length)
    .find(({ label }) => body === label || body.startsWith(`${label} `));
  if (!entry) return null;
  const rest = text.slice(1 + entry.label.length).trim();
  const only = entry.options.find((o) => rest.toLowerCase().startsWith(`${o.name}:`));
  return { entry, rest: only && entry.options[0] === only ? rest.slice(only.name.length + 1).trim() : rest };
}

function startCommand(entry, text = "") {
  input.value = "";
  show(input, false);
  slash.start(entry, text);
}

function insert(text, from = input.selectionStart) {
  if (slash.open) return;
  input.setRangeText(text, from, input.selectionEnd, "end");
  input.focus();
  typed();
}

function offer() {
  const before = input.value.slice(0, input.selectionStart);
  if (before.startsWith("/") && !before.includes("\n")) {
    offerCommands(before);
    return;
  }
  const m = /(?:^|[\s(])([@#:])([\p{L}\p{N}_.-]{0,32})$/u.exec(before);
  if (!m || (m[1] === ":" && m[2].length < 2) || insideCode(before)) {
    suggest.hide();
    return;
  }
  const from = before.length - m[2].length - 1;
  const put = (text) => {
    suggest.hide();
    insert(`${text} `, from);
    suggest.hide();
  };
  const items = { "@": people, "#": channels, ":": emoji }[m[1]](m[2], put);
  if (items.length > 0) suggest.show({ "@": "Members", "#": "Text channels", ":": "Emoji" }[m[1]], items);
  else suggest.hide();
}

const insideCode = (text) => (text.match(/```/g) ?? []).length % 2 === 1;

function offerCommands(before) {
  const text = before.slice(1);
  const all = entries();
  // A space after a whole name chooses it.
  if (text.endsWith(" ")) {
    const exact = all.find((e) => e.label === text.trim());
    if (exact) {
      startCommand(exact);
      return;
    }
  }
  const found = ranked(all, text.trim(), (e) => e.label);
  const owner = bot();
  suggest.show(
    found.length > 0 ? (owner ? owner.name : "Commands") : "No command of this name",
    found.map((entry) => ({
      lead: owner && avatar(owner, "small"),
      label: [
        `/${entry.label}`,
        ...entry.options.map((o) => h("span", { class: o.required ? "option-hint required" : "option-hint" }, o.name)),
      ],
      detail: entry.description,
      side: owner?.name,
      pick: () => startCommand(entry),
    })),
  );
}

function people(text, put) {
  const everybody = [...state.people.values()]
    .filter((p) => p.id !== state.me)
    .sort((a, b) => Number(b.id === bot()?.id) - Number(a.id === bot()?.id));
  const found = ranked(everybody, text, (p) => p.name).map((p) => ({
    lead: avatar(p, "small"),
    label: p.name,
    side: p.label,
    pick: () => put(`@${p.name}`),
  }));
  const named = new Set(everybody.map((p) => p.name));
  // The role that Discord makes for a bot bears its name; who writes it means the bot.
  const roles = ranked(
    [...state.roles.values()].filter((r) => r.name !== "@everyone" && !named.has(r.name)),
    text,
    (r) => r.name,
  ).map((r) => ({
    lead: "@",
    label: `@${r.name}`,
    side: "Notify those with this role",
    pick: () => put(`@${r.name}`),
  }));
  return [...found, ...roles];
}

function channels(text, put) {
  return ranked(
    [...state.channels.values()].filter((c) => !isThread(c)),
    text,
    (c) => c.name,
  ).map((c) => ({ lead: icon("hash", 18), label: c.name, side: c.topic, pick: () => put(`#${c.name}`) }));
}

function emoji(text, put) {
  return ranked(Object.entries(EMOJI), text, ([name]) => name)
    .slice(0, 10)
    .map(([name, sign]) => ({ lead: sign, label: `:${name}:`, pick: () => put(sign) }));
}

function attach(list) {
  const more = [...list];
  if (files.length + more.length > FILES_MAX) notice(`Discord takes ${FILES_MAX} files with a message.`);
  setFiles([...files, ...more].slice(0, FILES_MAX));
  input.focus();
}

const urls = new Map();

function setFiles(list) {
  for (const [file, url] of urls) {
    if (list.includes(file)) continue;
    URL.revokeObjectURL(url);
    urls.delete(file);
  }
  files = list;
  show(tray, files.length > 0);
  tray.replaceChildren(
    ...files.map((file) => {
      const image = file.type.startsWith("image/");
      if (image && !urls.has(file)) urls.set(file, URL.createObjectURL(file));
      return h(
        "div",
        { class: "tray-file" },
        image ? h("img", { src: urls.get(file), alt: "" }) : icon("file", 48),
        h("div", { class: "tray-name", title: file.name }, file.name),
        h("small", null, fileSize(file.size)),
        iconButton("trash", `Remove ${file.name}`, {
          class: "icon-button tray-remove",
          onclick: () => setFiles(files.filter((f) => f !== file)),
        }),
      );
    }),
  );
}

function dropZone() {
  const zone = $("#drop");
  let depth = 0;
  const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    morphChildren(zone, [
      h(
        "div",
        { class: "drop-card" },
        h("b", null, `Upload to #${state.channels.get(state.current)?.name}`),
        h("span", null, "You can add a comment before you send."),
      ),
    ]);
    show(zone, true);
  });
  document.addEventListener("dragleave", (event) => {
    if (carriesFiles(event)) depth -= 1;
    if (depth <= 0) show(zone, false);
  });
  document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    depth = 0;
    show(zone, false);
    if (!carriesFiles(event)) return;
    event.preventDefault();
    attach(event.dataTransfer.files);
  });
}
