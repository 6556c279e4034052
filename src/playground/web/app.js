// The playground's chat page: Discord as people know it, against the Discord that the playground itself embeds. Plain ES modules,
// no build step, nothing loaded from elsewhere. This file starts everything and holds what belongs to no part: connection, route,
// identity, first-visit hint.
//
//   app.js         start, connection, route, who speaks, the hint
//   api.js         the server's endpoints, the event socket, which urls may be loaded
//   store.js       what the page knows, and how events change it (no DOM)
//   chat.js        the list of messages: rows, scrolling, typing, announcements
//   message.js     one message → one row; embeds.js, components.js: what hangs beneath its text
//   markdown.js    Discord's markdown → nodes; lists.js: its lists; highlight.js: colours in code
//   actions.js     what can be done with a message: bar, context menu, clicks, editing
//   composer.js    writing: text, files, replies; suggest.js: the list above it; slash.js: commands being filled in
//   mentions.js    @name ↔ <@id>; menus.js: emoji, menus, dialogs, notices; sidebar.js: everything around the chat
//   format.js      dates and sizes; dom.js: making and updating nodes
//
// Data flows one way: server → socket → store → `emit` → the part that draws. Nothing is drawn before the server said so.
// Content never passes through innerHTML.

import * as api from "./api.js";
import { startActions } from "./actions.js";
import { startChat } from "./chat.js";
import { startComposer, reply, say, toText } from "./composer.js";
import { openForm, place } from "./components.js";
import { h, show } from "./dom.js";
import { relative } from "./markdown.js";
import { notice } from "./menus.js";
import { appBadge, avatar } from "./message.js";
import { startSidebar } from "./sidebar.js";
import { apply, bot, isThread, load, me, on, open, projectChannel, state } from "./store.js";

const IDENTITY = "playground.as";
const HINT_SEEN = "playground.hint-seen";
const RELATIVE_EVERY_MS = 10_000;
const ASK_AGAIN_MS = 1000;

const $ = (selector) => document.querySelector(selector);
let connection = null;
/** id of the person for whom the connection is */
let current = null;

function connect(as) {
  current = as;
  connection?.close();
  connection = api.listen(as, {
    async onOpen() {
      const fresh = await api.getState(as);
      load(fresh);
      show($("#offline"), false);
    },
    onEvent: apply,
    async onDown() {
      show($("#offline"), true);
      // A playground that was started anew may not know this person.
      const gone = await api.getState(as).then(
        () => false,
        (error) => error.status >= 400 && error.status < 500,
      );
      if (gone && as === current) connect(await anybody());
    },
  });
}

async function begin() {
  startSidebar(speakAs, showProfile);
  startChat();
  startActions({ reply });
  startComposer();
  on("state", () => {
    if (state.current && !routed()) history.replaceState(null, "", `#/${state.current}`);
    drawHint();
  });
  on("current", () => {
    if (location.hash !== `#/${state.current}`) history.pushState(null, "", `#/${state.current}`);
    drawHint();
  });
  on("form", (form) => openForm(form, (error) => notice(error.message)));
  addEventListener("popstate", route);
  $("#where").addEventListener("click", (event) => {
    const crumb = event.target.closest("[data-open]");
    if (!crumb) return;
    event.preventDefault();
    open(crumb.dataset.open);
  });
  setInterval(refreshTimes, RELATIVE_EVERY_MS);

  state.current = routed();
  connect(remembered() ?? (await anybody()));
}

/** The first person who is no bot, as soon as the server says who there is. */
async function anybody() {
  for (;;) {
    try {
      const { people, me: first } = await api.getState(null);
      return (people ?? []).find((p) => !p.bot)?.id ?? first;
    } catch {
      show($("#offline"), true);
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }
}

function remembered() {
  try {
    return sessionStorage.getItem(IDENTITY);
  } catch {
    return null;
  }
}

function speakAs(id) {
  if (id === state.me) return;
  try {
    sessionStorage.setItem(IDENTITY, id);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  state.unread.clear();
  state.dismissed.clear();
  reply(null);
  connect(id);
  $("#input").focus();
  notice(`You now speak as ${state.people.get(id)?.name ?? id}.`, "info");
}

const routed = () => /^#\/(\d+)$/.exec(location.hash)?.[1] ?? null;

function route() {
  const id = routed();
  if (id && id !== state.current) open(id);
}

function refreshTimes() {
  for (const el of document.querySelectorAll("[data-relative]")) el.textContent = relative(Number(el.dataset.relative));
}

function showProfile(anchor, id) {
  const person = state.people.get(id);
  if (!person) return;
  const roles = (person.roles ?? []).map((role) => state.roles.get(role)?.name).filter(Boolean);
  const box = h(
    "div",
    { class: "popover profile", popover: "auto", role: "dialog", "aria-label": person.name },
    avatar(person, "large"),
    h("h2", null, person.name, person.bot && appBadge()),
    person.label && h("p", null, person.label),
    roles.length > 0 &&
      h(
        "p",
        { class: "profile-roles" },
        roles.map((role) => h("span", { class: "role-chip" }, role)),
      ),
    h(
      "div",
      { class: "dialog-buttons" },
      id !== state.me &&
        h(
          "button",
          {
            type: "button",
            class: "component-button secondary",
            onclick: () => {
              box.hidePopover();
              toText(`${$("#input").value}@${person.name} `, false);
            },
          },
          "Mention",
        ),
      !person.bot &&
        id !== state.me &&
        h(
          "button",
          {
            type: "button",
            class: "component-button primary",
            onclick: () => {
              box.hidePopover();
              speakAs(id);
            },
          },
          "Speak as",
        ),
      id === state.me && h("span", { class: "hint-small" }, "This is you."),
    ),
  );
  place(box, anchor);
}

/** Two sentences and a few prompts for somebody who sees the page for the first time. */
function drawHint() {
  const box = $("#hint");
  let seen = false;
  try {
    seen = localStorage.getItem(HINT_SEEN) === "1";
  } catch {
    // Without storage it is shown at every visit.
  }
  const app = bot();
  const channel = state.channels.get(state.current);
  show(box, !seen && Boolean(app) && Boolean(channel));
  if (box.hidden) return;
  const dismiss = () => {
    try {
      localStorage.setItem(HINT_SEEN, "1");
    } catch {
      // As above.
    }
    show(box, false);
  };
  const tryOut = (text) => {
    dismiss();
    const isProject = isThread(channel) || channel.project || !projectChannel().project;
    if (!isProject || channel.name === "general") open(projectChannel().id);
    say(`@${app.name} ${text}`);
  };
  const examples = [
    "What is in this project?",
    "Write a haiku about this repository into HAIKU.md",
    "Run the tests and tell me what fails",
  ];
  box.replaceChildren(
    h(
      "p",
      null,
      "Mention ",
      h("span", { class: "mention" }, `@${app.name}`),
      " in a project channel and say what you want: the assistant works in that project's directory, and its answer appears here while it is written.",
    ),
    h(
      "p",
      null,
      "Type ",
      h("kbd", null, "/"),
      " for commands, and switch who you are at the name below the channels (now ",
      h("b", null, me().name),
      ") to see what others may do.",
    ),
    h(
      "div",
      { class: "hint-examples" },
      examples.map((text) =>
        h("button", { type: "button", class: "component-button secondary", onclick: () => tryOut(text) }, text),
      ),
      h("button", { type: "button", class: "component-button plain", onclick: dismiss }, "Got it"),
    ),
  );
}

begin();
