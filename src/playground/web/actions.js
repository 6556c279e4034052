// What a person can do with a message: the bar that appears on a row, the context menu, and the clicks inside of rows.

import * as api from "./api.js";
import { h, iconButton } from "./dom.js";
import { jumpTo, touch, ui } from "./chat.js";
import { findComponent, openSelect } from "./components.js";
import { toWire } from "./mentions.js";
import { confirmDelete, askThreadName, enlarge, notice, openMenu, pickEmoji } from "./menus.js";
import { preview } from "./message.js";
import {
  findMessage,
  isEphemeral,
  isThread,
  mayManage,
  open,
  state,
  on,
  threadFrom,
  visibleMessages,
} from "./store.js";

/** An application has 3 s to acknowledge a click; then the server says that it failed. This is for when nobody says anything. */
const ACKNOWLEDGE_MS = 5000;
const THREAD_NAME_CHARS = 60;
/** The type of commands that are used on a message. */
const MESSAGE_COMMAND = 3;

const list = document.querySelector("#messages");
const start = document.querySelector("#channel-start");
const chat = document.querySelector("#scroller");
let startReply = () => {};

/** `reply(message)` puts the composer into the state of answering. */
export function startActions({ reply }) {
  startReply = reply;
  for (const root of [list, start]) {
    root.addEventListener("click", onClick);
    root.addEventListener("keydown", onKey);
  }
  list.addEventListener("pointerover", (event) => showBar(event.target.closest(".row")));
  list.addEventListener("focusin", (event) => showBar(event.target.closest(".row")));
  chat.addEventListener("pointerleave", () => !bar.contains(document.activeElement) && bar.remove());
  list.addEventListener("contextmenu", (event) => {
    const message = messageAt(event.target);
    // Links, pictures and marked text keep the browser's own menu.
    if (!message || event.target.closest("a, img, textarea") || String(getSelection())) return;
    event.preventDefault();
    menuFor(message, { x: event.clientX, y: event.clientY });
  });
  on("failed", failed);
  on("form", () => [...ui.pending].forEach((key) => settle(key.split(":")[0])));
  on("message", ({ message, created }) => {
    settle(message.id);
    // A click may be answered by another message.
    if (created && message.application_id) [...ui.pending].forEach((key) => settle(key.split(":")[0]));
  });
}

/** Runs a call to the server; a refusal is shown. */
export async function attempt(call) {
  try {
    return await call;
  } catch (error) {
    notice(error.message);
    return null;
  }
}

const messageAt = (target) => findMessage(target.closest?.(".row[data-id]")?.dataset.id);

const DO = {
  spoiler: (el) => {
    el.setAttribute("aria-expanded", "true");
    el.setAttribute("aria-label", "Revealed spoiler");
  },
  async copy(el) {
    const code = el.parentElement.querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(code);
      el.textContent = "Copied";
    } catch {
      el.textContent = "Not allowed";
    }
    setTimeout(() => (el.textContent = "Copy"), 1500);
  },
  jump: (el) => jumpTo(el.dataset.target),
  "open-channel": (el) => open(el.dataset.id),
  enlarge: (el) => enlarge(el.getAttribute("href"), el.firstElementChild.alt),
  dismiss(el, message) {
    state.dismissed.add(message.id);
    touch(message.id);
  },
  react: (el, message) =>
    attempt(
      api.react({
        as: state.me,
        message: message.id,
        emoji: el.dataset.emoji,
        remove: el.getAttribute("aria-pressed") === "true",
      }),
    ),
  "pick-reaction": (el, message) => pickEmoji(el, (emoji) => addReaction(message, emoji)),
  button: (el, message) => click(message, el.dataset.custom),
  select(el, message) {
    const c = findComponent(message.components, el.dataset.custom);
    if (c) openSelect(c, el, (values) => click(message, el.dataset.custom, values));
  },
  "edit-cancel": () => stopEditing(),
  "edit-save": (el, message) => saveEdit(message, el.closest(".edit-box").querySelector("textarea").value),
};

function onClick(event) {
  const el = event.target.closest("[data-do]");
  if (!el) return;
  // A link inside of a hidden spoiler opens the spoiler first.
  const spoiler = event.target.closest('.spoiler[aria-expanded="false"]');
  if (spoiler) {
    event.preventDefault();
    DO.spoiler(spoiler);
    return;
  }
  if (el.tagName === "A" && (event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  DO[el.dataset.do]?.(el, messageAt(el));
}

function onKey(event) {
  const el = event.target;
  if (el.matches(".edit-input")) {
    if (event.key === "Escape") stopEditing();
    else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      saveEdit(messageAt(el), el.value);
    }
    return;
  }
  if (el.matches('[role="button"][data-do]') && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    el.click();
  }
}

const bar = h("div", { class: "actions", role: "toolbar", "aria-label": "Message actions" });

function showBar(row) {
  const message = row && findMessage(row.dataset.id);
  if (!message || bar.parentElement === row) return;
  if (row.classList.contains("no-actions") || ui.editing === message.id) {
    bar.remove();
    return;
  }
  const mine = message.author?.id === state.me;
  bar.replaceChildren(
    iconButton("react", "Add reaction", { onclick: () => pickEmoji(bar, (emoji) => addReaction(message, emoji)) }),
    mine
      ? iconButton("edit", "Edit", { onclick: () => edit(message) })
      : iconButton("reply", "Reply", { onclick: () => startReply(message) }),
    ...(canThread(message) ? [iconButton("thread", "Create thread", { onclick: () => makeThread(message) })] : []),
    iconButton("more", "More", { onclick: () => menuFor(message, bar) }),
  );
  row.append(bar);
}

const canThread = (message) =>
  !isThread(state.channels.get(message.channel_id)) && !threadFrom(message) && !isEphemeral(message);

function menuFor(message, anchor) {
  const mine = message.author?.id === state.me;
  const copy = (text) => attempt(navigator.clipboard.writeText(text));
  if (isEphemeral(message)) {
    openMenu(anchor, [
      { label: "Copy text", icon: "copy", run: () => copy(message.content) },
      { label: "Dismiss message", icon: "close", run: () => DO.dismiss(null, message) },
    ]);
    return;
  }
  const items = [
    {
      label: "Add reaction",
      icon: "react",
      run: () =>
        pickEmoji(
          anchor instanceof Element ? anchor : { getBoundingClientRect: () => new DOMRect(anchor.x, anchor.y, 0, 0) },
          (emoji) => addReaction(message, emoji),
        ),
    },
    mine && { label: "Edit message", icon: "edit", run: () => edit(message) },
    { label: "Reply", icon: "reply", run: () => startReply(message) },
    canThread(message) && { label: "Create thread", icon: "thread", run: () => makeThread(message) },
    threadFrom(message) != null && { label: "Open thread", icon: "thread", run: () => open(threadFrom(message).id) },
    ...messageCommands(message),
    null,
    { label: "Copy text", icon: "copy", run: () => copy(message.content) },
    { label: "Copy message ID", icon: "copy", run: () => copy(message.id) },
    (mine || mayManage()) && { label: "Delete message", icon: "trash", danger: true, run: () => remove(message) },
  ];
  openMenu(
    anchor,
    items.filter((item) => item === null || Boolean(item)),
    (emoji) => addReaction(message, emoji),
  );
}

/** The bot's own commands for messages: Discord's menu “Apps”. */
function messageCommands(message) {
  const commands = state.commands.filter((command) => command.type === MESSAGE_COMMAND);
  const run = ({ name }) => attempt(api.runMessageCommand({ as: state.me, message: message.id, name }));
  const items = commands.map((command) => ({ label: command.name, icon: "slash", run: () => run(command) }));
  return items.length > 0 ? [null, ...items] : [];
}

const addReaction = (message, emoji) => attempt(api.react({ as: state.me, message: message.id, emoji }));

const remove = (message) =>
  confirmDelete(preview(message), () => attempt(api.deleteMessage({ as: state.me, message: message.id })));

function makeThread(message) {
  const suggestion = preview(message)
    .replace(/^@\S+\s*/, "")
    .slice(0, THREAD_NAME_CHARS);
  askThreadName(suggestion, (name) => createThread({ channel: message.channel_id, message: message.id, name }));
}

/** Creates a thread and opens it. */
export async function createThread(body) {
  const thread = await attempt(api.createThread({ as: state.me, ...body }));
  const id = thread?.id ?? thread?.thread?.id;
  if (!id) return;
  // The event that tells of the thread may still be on its way.
  if (state.channels.has(id)) open(id);
  else {
    let done = false;
    on("channels", () => {
      if (done || !state.channels.has(id)) return;
      done = true;
      open(id);
    });
  }
}

export function edit(message) {
  const before = ui.editing;
  ui.editing = message.id;
  bar.remove();
  if (before) touch(before);
  touch(message.id);
}

/** ArrowUp in the empty composer. */
export function editLast() {
  const last = visibleMessages().findLast(
    (m) => m.author?.id === state.me && !isEphemeral(m) && [0, 19].includes(m.type ?? 0),
  );
  if (last) edit(last);
  return Boolean(last);
}

function stopEditing() {
  const id = ui.editing;
  ui.editing = null;
  if (id) touch(id);
  document.querySelector("#input").focus();
}

async function saveEdit(message, text) {
  const content = toWire(text.trim());
  if (!content) {
    stopEditing();
    remove(message);
    return;
  }
  stopEditing();
  if (content !== message.content) await attempt(api.editMessage({ as: state.me, message: message.id, content }));
}

/** Sends a click on a component; it shows as busy until the message changes or the application fails to answer. */
async function click(message, customId, values) {
  const c = findComponent(message.components, customId);
  if (!c) return;
  const key = `${message.id}:${customId}`;
  ui.pending.add(key);
  ui.failed.delete(message.id);
  touch(message.id);
  const answer = await attempt(
    api.component({
      as: state.me,
      message: message.id,
      custom_id: customId,
      component_type: c.type,
      ...(values ? { values } : {}),
    }),
  );
  if (answer === null) settle(message.id);
  setTimeout(() => settle(message.id), ACKNOWLEDGE_MS);
}

function settle(id) {
  const busy = [...ui.pending].filter((key) => key.startsWith(`${id}:`));
  if (busy.length === 0) return;
  busy.forEach((key) => ui.pending.delete(key));
  touch(id);
}

function failed(d) {
  // The name of a click is its component's custom id.
  const id = d.message_id ?? [...ui.pending].find((key) => key.endsWith(`:${d.name}`))?.split(":")[0];
  if (id && findMessage(id)) {
    ui.failed.add(id);
    settle(id);
    touch(id);
    return;
  }
  notice(d.reason ?? d.error ?? "The application did not respond");
}
