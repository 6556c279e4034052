// The list of messages: rows are kept by message id and changed in place; the view stays at the bottom only while the person is
// there. All changes of one frame are drawn together.

import { h, morph, morphChildren, show } from "./dom.js";
import { dayName, sameDay } from "./format.js";
import { toEditable } from "./mentions.js";
import { buildRow, continues, dateOf, dots, preview } from "./message.js";
import {
  authorOf,
  findMessage,
  isEphemeral,
  isThread,
  on,
  starterMessage,
  state,
  typists,
  TYPE,
  visibleMessages,
} from "./store.js";

const BOTTOM_PX = 48;
const ANNOUNCE_MS = 1500;

const scroller = document.querySelector("#scroller");
const list = document.querySelector("#messages");
const hint = document.querySelector("#hint");
const start = document.querySelector("#channel-start");
const jump = document.querySelector("#jump");
const typing = document.querySelector("#typing");
const live = document.querySelector("#live");

/** What a row shows beside the message itself. */
export const ui = { editing: null, failed: new Set(), pending: new Set() };

const rows = new Map();
const dirty = new Set();
/** channel id → where the person was reading; absent: at the bottom */
const positions = new Map();
let shown = null;
let pinned = true;
let lastTop = 0;
let unseen = 0;
let frame = 0;

export function startChat() {
  on("state", () => redraw());
  on("current", switchChannel);
  on("message", ({ message, created }) => changed(message, created));
  on("removed", (message) => touch(message.id));
  on("typing", drawTyping);
  on("channels", () => drawStart());
  scroller.addEventListener("scroll", onScroll, { passive: true });
  // Pictures, previews and a smaller window change heights without an event of ours.
  const watch = new ResizeObserver(() => pinned && toBottom());
  for (const el of [list, scroller, start, hint]) watch.observe(el);
  jump.addEventListener("click", toBottom);
  list.addEventListener("keydown", moveFocus);
  setInterval(drawTyping, 2000);
}

/** Draws every row anew; nodes that look right stay. */
export function redraw() {
  if (ui.editing && findMessage(ui.editing)?.author?.id !== state.me) ui.editing = null;
  for (const id of rows.keys()) dirty.add(id);
  if (shown !== state.current) switchChannel();
  else schedule();
  drawTyping();
}

/** Draws the row of one message again. */
export function touch(id) {
  dirty.add(id);
  schedule();
}

function changed(message, created) {
  if (message.channel_id === state.current) {
    if (created && !pinned && message.author?.id === state.me) pinned = true;
    if (created && !pinned) unseen += 1;
    if (message.author?.id !== state.me) announce(message);
    touch(message.id);
  }
  if (starterMessage(state.current)?.id === message.id) drawStart();
  const channel = state.channels.get(message.channel_id);
  if (isThread(channel) && channel.parent_id === state.current) {
    const starter = starterMessage(channel.id);
    if (starter) touch(starter.id);
    for (const m of visibleMessages()) if (m.message_reference?.channel_id === channel.id) touch(m.id);
  }
}

function schedule() {
  if (frame) return;
  frame = requestAnimationFrame(() => {
    frame = 0;
    draw();
  });
}

function switchChannel() {
  if (shown && !pinned) positions.set(shown, scroller.scrollTop);
  else positions.delete(shown);
  ui.editing = null;
  rows.clear();
  dirty.clear();
  list.replaceChildren();
  shown = state.current;
  unseen = 0;
  pinned = !positions.has(shown);
  drawStart();
  draw();
  drawTyping();
  if (pinned) toBottom();
  else {
    scroller.scrollTop = positions.get(shown);
    lastTop = scroller.scrollTop;
  }
}

function draw() {
  if (!shown) return;
  let before = null;
  let at = list.firstChild;
  const wanted = new Set();
  const put = (node) => {
    if (node === at) at = at.nextSibling;
    else list.insertBefore(node, at);
  };
  for (const message of visibleMessages(shown)) {
    if (!before || !sameDay(dateOf(before), dateOf(message))) {
      const key = `day-${message.id}`;
      wanted.add(key);
      put(row(key, () => h("li", { class: "day", role: "separator" }, h("span", null, dayName(dateOf(message))))));
    }
    wanted.add(message.id);
    const li = row(message.id, () =>
      h("li", { class: "row", id: `m-${message.id}`, "data-id": message.id, tabindex: "-1" }),
    );
    const grouped = continues(message, before);
    if (!li.firstChild || dirty.has(message.id) || li.grouped !== grouped) {
      li.grouped = grouped;
      li.classList.toggle("no-actions", isEphemeral(message) || message.type === TYPE.THREAD_CREATED);
      const inner = buildRow(message, before, ui);
      // Beside it the row may hold the action bar, which is not the message's.
      if (li.firstChild) morph(li.firstChild, inner);
      else li.append(inner);
    }
    put(li);
    before = message;
  }
  for (const [key, node] of rows) {
    if (wanted.has(key)) continue;
    node.remove();
    rows.delete(key);
  }
  dirty.clear();
  const last = [...rows.values()].at(-1);
  if (last && !list.querySelector('.row[tabindex="0"]')) last.tabIndex = 0;
  focusEditor();
  if (pinned) toBottom();
  drawJump();
}

function row(key, make) {
  if (!rows.has(key)) rows.set(key, make());
  return rows.get(key);
}

function focusEditor() {
  const input = list.querySelector(".edit-input:not([data-ready])");
  if (!input) return;
  input.setAttribute("data-ready", "");
  input.value = toEditable(input.dataset.original);
  grow(input);
  input.addEventListener("input", () => grow(input));
  input.focus();
  input.setSelectionRange(input.value.length, input.value.length);
}

/** Makes a text field as high as its text. */
export function grow(input) {
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight}px`;
}

export function toBottom() {
  pinned = true;
  unseen = 0;
  scroller.scrollTop = scroller.scrollHeight;
  lastTop = scroller.scrollTop;
  drawJump();
}

/** Only a move upwards lets go of the bottom: content that grows moves the bottom away without anybody's wish. */
function onScroll() {
  const top = scroller.scrollTop;
  const left = scroller.scrollHeight - top - scroller.clientHeight;
  if (top < lastTop - 1 && left > 1) pinned = false;
  else if (top > lastTop && left < BOTTOM_PX) pinned = true;
  lastTop = top;
  if (pinned) unseen = 0;
  drawJump();
}

function drawJump() {
  show(jump, !pinned);
  jump.firstElementChild.textContent =
    unseen > 0 ? `${unseen} new message${unseen === 1 ? "" : "s"}` : "You're viewing older messages";
}

/** Scrolls to a message and lets it flash. */
export function jumpTo(id) {
  const node = rows.get(id);
  if (!node) return;
  node.scrollIntoView({ block: "center" });
  node.classList.remove("flash");
  void node.offsetWidth; // restarts the animation
  node.classList.add("flash");
}

function drawStart() {
  const channel = state.channels.get(state.current);
  if (!channel) return;
  const thread = isThread(channel);
  const starter = thread ? starterMessage(channel.id) : null;
  const parts = [
    h("div", { class: "start-icon", "aria-hidden": "true" }, thread ? "🧵" : "#"),
    h("h2", null, thread ? channel.name : `Welcome to #${channel.name}!`),
    h(
      "p",
      null,
      thread
        ? `A thread in #${state.channels.get(channel.parent_id)?.name ?? "?"}.`
        : `This is the start of the #${channel.name} channel. ${channel.topic ?? ""}`,
    ),
  ];
  if (starter)
    parts.push(
      h(
        "div",
        { class: "starter row", "data-id": starter.id },
        buildRow(starter, null, { editing: null, failed: new Set(), pending: new Set(), starter: true }),
      ),
    );
  morphChildren(start, parts);
}

function drawTyping() {
  const people = typists(state.current).map((id) => authorOf({ id }).name);
  const text =
    people.length === 0
      ? null
      : people.length > 3
        ? [h("b", null, "Several people"), " are typing…"]
        : [
            people.flatMap((name, n) => [n > 0 && (n === people.length - 1 ? " and " : ", "), h("b", null, name)]),
            people.length === 1 ? " is typing…" : " are typing…",
          ];
  morphChildren(typing, text ? [dots(), h("span", null, text)] : []);
}

/** Arrow keys walk over the messages once one has the focus. */
function moveFocus(event) {
  const current = event.target.closest(".row");
  if (!current || event.target !== current) return;
  const all = [...list.querySelectorAll(".row")];
  const index = all.indexOf(current);
  const next = { ArrowUp: all[index - 1], ArrowDown: all[index + 1], Home: all[0], End: all.at(-1) }[event.key];
  if (!next) return;
  event.preventDefault();
  current.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

const announcements = new Map();

/** Says a message to screen readers once it has come to rest: one that streams would be read over and over. */
function announce(message) {
  clearTimeout(announcements.get(message.id));
  announcements.set(
    message.id,
    setTimeout(() => {
      announcements.delete(message.id);
      const fresh = visibleMessages().find((m) => m.id === message.id);
      if (fresh) live.textContent = `${authorOf(fresh.author).name}: ${preview(fresh)}`;
    }, ANNOUNCE_MS),
  );
}
