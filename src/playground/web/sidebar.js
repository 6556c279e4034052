// What stands around the chat: channel list, member list, header, and the switcher of who speaks.

import { h, icon, morphChildren, show } from "./dom.js";
import { initials } from "./format.js";
import { appBadge, avatar } from "./message.js";
import { place } from "./components.js";
import { colorOf, isThread, me, on, open, state, textChannels, threadsOf } from "./store.js";

const $ = (selector) => document.querySelector(selector);

/** `switchTo(id)` is called when the person chooses to speak as somebody else. */
export function startSidebar(switchTo, showProfile) {
  on("state", drawAll);
  on("channels", () => {
    drawChannels();
    drawHeader();
  });
  on("current", () => {
    drawChannels();
    drawHeader();
    closeDrawers();
  });
  $("#channels").addEventListener("click", (event) => {
    const link = event.target.closest("a[data-id]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    open(link.dataset.id);
    closeDrawers();
  });
  $("#members").addEventListener("click", (event) => {
    const person = event.target.closest("[data-person]");
    if (person) showProfile(person, person.dataset.person);
  });
  $("#who").addEventListener("click", () => openSwitcher(switchTo));
  $("#show-channels").addEventListener("click", () => document.body.classList.toggle("drawer-left"));
  $("#show-members").addEventListener("click", toggleMembers);
  $("#shade").addEventListener("click", closeDrawers);
  document.addEventListener("keydown", (event) => event.key === "Escape" && closeDrawers());
  swipe();
}

function toggleMembers() {
  const narrow = matchMedia("(max-width: 900px)").matches;
  const on = narrow
    ? document.body.classList.toggle("drawer-right")
    : !document.body.classList.toggle("members-hidden");
  $("#show-members").setAttribute("aria-expanded", String(on));
}

export function closeDrawers() {
  document.body.classList.remove("drawer-left", "drawer-right");
}

const SWIPE_PX = 60;

/** On a phone a swipe to the right brings the channels, one to the left puts them away. */
function swipe() {
  let from = null;
  document.addEventListener(
    "touchstart",
    ({ touches, target }) => {
      from =
        touches.length === 1 && !target.closest("pre, textarea, input")
          ? { x: touches[0].clientX, y: touches[0].clientY }
          : null;
    },
    { passive: true },
  );
  document.addEventListener(
    "touchend",
    ({ changedTouches }) => {
      if (!from) return;
      const dx = changedTouches[0].clientX - from.x;
      const dy = Math.abs(changedTouches[0].clientY - from.y);
      from = null;
      if (Math.abs(dx) < SWIPE_PX || dy > Math.abs(dx) / 2) return;
      const side = document.body.classList;
      if (dx > 0) side.contains("drawer-right") ? side.remove("drawer-right") : side.add("drawer-left");
      else side.remove("drawer-left");
    },
    { passive: true },
  );
}

function drawAll() {
  $("#guild-name").textContent = state.guild.name;
  $("#guild-icon").textContent = initials(state.guild.name);
  $("#guild-icon").title = state.guild.name;
  drawChannels();
  drawMembers();
  drawHeader();
  drawWho();
  drawAssistant();
}

function drawChannels() {
  morphChildren(
    $("#channels"),
    textChannels().flatMap((channel) => [
      channelLink(channel, "hash"),
      ...threadsOf(channel.id)
        .filter((t) => !t.archived || t.id === state.current)
        .map((thread, n) => channelLink(thread, "thread", n === 0)),
    ]),
  );
  const elsewhere = [...state.unread.entries()]
    .filter(([id]) => id !== state.current)
    .reduce((n, [, u]) => n + u.mentions, 0);
  document.title = `${elsewhere > 0 ? `(${elsewhere}) ` : ""}#${state.channels.get(state.current)?.name ?? ""} | ${state.guild.name}`;
  show($("#menu-dot"), state.unread.size > 0);
}

function channelLink(channel, sign, firstThread) {
  const unread = state.unread.get(channel.id);
  const current = channel.id === state.current;
  const classes = [
    "channel",
    sign === "thread" && "is-thread",
    firstThread && "first-thread",
    current && "current",
    unread && "unread",
  ]
    .filter(Boolean)
    .join(" ");
  return h(
    "a",
    {
      class: classes,
      href: `#/${channel.id}`,
      "data-id": channel.id,
      "data-key": `ch-${channel.id}`,
      "aria-current": current ? "page" : null,
    },
    sign === "hash" ? icon("hash", 18) : h("span", { class: "elbow", "aria-hidden": "true" }),
    h("span", { class: "channel-name" }, channel.name),
    unread?.mentions > 0 &&
      h("span", { class: "badge", "aria-label": `${unread.mentions} mentions` }, String(unread.mentions)),
    unread && h("span", { class: "sr" }, "unread"),
  );
}

function drawMembers() {
  const people = [...state.people.values()];
  const roleOf = (p) => state.roles.get((p.roles ?? [])[0]);
  const groups = new Map();
  for (const person of people) {
    const name = person.bot ? "Apps" : (roleOf(person)?.name ?? "Online");
    groups.set(name, [...(groups.get(name) ?? []), person]);
  }
  morphChildren(
    $("#members"),
    [...groups].flatMap(([name, members]) => [
      h("h3", { class: "member-group" }, `${name} — ${members.length}`),
      ...members.map((p) =>
        h(
          "button",
          { type: "button", class: "member", "data-person": p.id, "data-key": p.id },
          h("span", { class: "with-dot" }, avatar(p), h("span", { class: "online" })),
          h(
            "span",
            { class: "member-text" },
            h("span", { class: "member-name", vars: { "--name": nameColor(p) } }, p.name, p.bot && appBadge()),
            p.label && h("small", null, p.label),
          ),
        ),
      ),
    ]),
  );
}

function nameColor(person) {
  const role = (person.roles ?? []).map((id) => state.roles.get(id)).find((r) => r?.color);
  return role ? colorOf(role) : colorOf(person);
}

function drawHeader() {
  const channel = state.channels.get(state.current);
  if (!channel) return;
  const parent = isThread(channel) ? state.channels.get(channel.parent_id) : null;
  morphChildren(
    $("#where"),
    [
      parent &&
        h(
          "a",
          { class: "crumb", href: `#/${parent.id}`, "data-open": parent.id, "data-key": "crumb" },
          icon("hash", 18),
          parent.name,
        ),
      parent && h("span", { class: "crumb-sep", "aria-hidden": "true", "data-key": "sep" }, "›"),
      h("h1", { "data-key": "h1" }, icon(parent ? "thread" : "hash", 20), h("span", null, channel.name)),
      channel.topic && h("span", { class: "topic", title: channel.topic, "data-key": "topic" }, channel.topic),
    ].filter(Boolean),
  );
}

function drawWho() {
  const person = me();
  morphChildren($("#who"), [
    h("span", { class: "with-dot" }, avatar(person), h("span", { class: "online" })),
    h("span", { class: "member-text" }, h("b", null, person.name), h("small", null, person.label ?? "You")),
    h("span", { class: "switch" }, "Switch"),
  ]);
}

function openSwitcher(switchTo) {
  const box = h(
    "div",
    { class: "popover switcher", popover: "auto", role: "menu", "aria-label": "Speak as" },
    h("h3", null, "Speak as"),
    [...state.people.values()]
      .filter((p) => !p.bot)
      .map((p) =>
        h(
          "button",
          {
            type: "button",
            role: "menuitemradio",
            "aria-checked": String(p.id === state.me),
            class: "member",
            onclick: () => {
              box.hidePopover();
              switchTo(p.id);
            },
          },
          avatar(p),
          h("span", { class: "member-text" }, h("b", null, p.name), p.label && h("small", null, p.label)),
          h("span", { class: "radio", "aria-hidden": "true" }),
        ),
      ),
    h("p", { class: "hint-small" }, "Everybody here is you. Open a second tab to speak as two people at once."),
  );
  place(box, $("#who"));
}

function drawAssistant() {
  const { kind, label } = state.assistant ?? {};
  for (const el of document.querySelectorAll("[data-assistant]")) {
    show(el, Boolean(label));
    el.classList.toggle("demo", kind === "demo");
    el.querySelector("span:last-child").textContent = label ?? "";
    el.title =
      kind === "demo"
        ? "Answers are made up by a small program that speaks like the CLI. Install and log in to Claude Code for real answers."
        : "Prompts run in the real Claude Code CLI on this machine.";
  }
}
