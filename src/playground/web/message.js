// One message → one row of the chat. Rows are rebuilt from data and morphed into place; clicks are told by `data-do`
// attributes to the one listener of the list, so that nothing hangs on nodes that come and go.

import { add, h, icon } from "./dom.js";
import { attachments, embeds } from "./embeds.js";
import { componentRows } from "./components.js";
import { fullDate, initials, messageTime, sameDay, timeOnly } from "./format.js";
import { isJumbo, plainText, renderMarkdown } from "./markdown.js";
import {
  authorOf,
  bot,
  findMessage,
  isEphemeral,
  isLoading,
  isThread,
  mentionsMe,
  names,
  starterMessage,
  state,
  threadFrom,
  TYPE,
} from "./store.js";

/** The type of interactions that come from commands. */
const COMMAND = 2;
const GROUP_MS = 7 * 60_000;
const PREVIEW_CHARS = 120;

/** Whether `message` stands beneath `before` without a name of its own. */
export function continues(message, before) {
  if (!before || message.author?.id !== before.author?.id) return false;
  if (
    message.message_reference ||
    message.type === TYPE.REPLY ||
    commandOf(message) ||
    isSystem(message) ||
    isSystem(before)
  )
    return false;
  if (isEphemeral(message) !== isEphemeral(before) || threadFrom(before)) return false;
  const gap = dateOf(message) - dateOf(before);
  return gap < GROUP_MS && sameDay(dateOf(message), dateOf(before));
}

export const dateOf = (message) => new Date(message.timestamp);
const isSystem = (message) => [TYPE.JOIN, TYPE.THREAD_CREATED, TYPE.THREAD_STARTER].includes(message.type);
const commandOf = (message) => {
  const made = message.interaction ?? message.interaction_metadata;
  const user = made?.user;
  const name = (made?.type ?? COMMAND) === COMMAND ? made?.name : null;
  return user && name ? { user, name } : null;
};

/** An avatar with initials on the person's colour; the playground's own bot has a sign. */
export function avatar(user, size = "") {
  const author = authorOf(user);
  return h(
    "span",
    { class: `avatar ${size}`, vars: { "--hue": author.color }, "aria-hidden": "true" },
    author.id === bot()?.id ? icon("slash", 18) : initials(author.name),
  );
}

/**
 * Builds the inside of a row. `ui`: `{editing: message id or null, failed: Set, pending: Set}`; with `starter: true` for the
 * message above a thread, which needs no box that leads there.
 */
export function buildRow(message, before, ui) {
  if (message.type === TYPE.THREAD_STARTER && starterMessage(message.channel_id))
    return h("div", { class: "row-inner empty" });
  if (message.type === TYPE.THREAD_CREATED || message.type === TYPE.JOIN) return systemRow(message);
  const first = !continues(message, before);
  const author = authorOf(message.author);
  const date = dateOf(message);
  const ephemeral = isEphemeral(message);
  const command = commandOf(message);
  const replied = !command && (message.message_reference || message.referenced_message);

  const classes = [
    "row-inner",
    first && "first",
    mentionsMe(message) && "mentioned",
    ephemeral && "ephemeral",
    ui.editing === message.id && "editing",
  ];
  return h(
    "div",
    { class: classes.filter(Boolean).join(" ") },
    command &&
      contextLine(
        "command",
        avatar(command.user, "tiny"),
        h("b", { vars: { "--name": authorOf(command.user).color } }, authorOf(command.user).name),
        " used ",
        h("span", { class: "mention" }, `/${command.name}`),
      ),
    replied && replyLine(message),
    h(
      "div",
      { class: "gutter" },
      first
        ? avatar(message.author)
        : h("time", { class: "gutter-time", datetime: date.toISOString(), title: fullDate(date) }, timeOnly(date)),
    ),
    h(
      "div",
      { class: "body" },
      first &&
        h(
          "h3",
          { class: "who" },
          h("span", { class: "name", vars: { "--name": author.color } }, author.name),
          (author.bot || message.webhook_id) && appBadge(),
          h("time", { class: "when", datetime: date.toISOString(), title: fullDate(date) }, messageTime(date)),
        ),
      ui.editing === message.id ? editor(message) : content(message),
      embeds(message),
      attachments(message),
      componentRows(message, ui),
      !ui.starter && threadBox(message),
      reactions(message),
      ephemeral &&
        h(
          "div",
          { class: "only-you" },
          icon("eye", 14),
          " Only you can see this • ",
          h("button", { type: "button", class: "link", "data-do": "dismiss" }, "Dismiss message"),
        ),
    ),
  );
}

export const appBadge = () => h("span", { class: "app-badge" }, "APP");

function content(message) {
  if (isLoading(message)) {
    return h(
      "div",
      { class: "markup thinking" },
      dots(),
      h("span", null, `${authorOf(message.author).name} is thinking…`),
    );
  }
  const text = message.content ?? "";
  const box = h("div", { class: isJumbo(text) ? "markup jumbo" : "markup" });
  if (!text)
    return message.edited_timestamp &&
      !message.embeds?.length &&
      !message.components?.length &&
      !message.attachments?.length
      ? add(box, edited(message))
      : null;
  add(box, renderMarkdown(text, names));
  return add(box, message.edited_timestamp && edited(message));
}

const edited = (message) =>
  h("span", { class: "edited", title: fullDate(new Date(message.edited_timestamp)) }, " (edited)");

export const dots = () => h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));

function editor(message) {
  return h(
    "div",
    { class: "edit-box", "data-key": `edit-${message.id}`, "data-opaque": true },
    h("textarea", {
      class: "edit-input",
      "aria-label": "Edit the message",
      rows: "1",
      maxlength: "4000",
      "data-original": message.content,
    }),
    h(
      "div",
      { class: "edit-help" },
      "escape to ",
      h("button", { type: "button", class: "link", "data-do": "edit-cancel" }, "cancel"),
      " • enter to ",
      h("button", { type: "button", class: "link", "data-do": "edit-save" }, "save"),
    ),
  );
}

const contextLine = (kind, ...children) =>
  h("div", { class: `context ${kind}` }, h("span", { class: "spine", "aria-hidden": "true" }), children);

function replyLine(message) {
  const target = message.referenced_message ?? findMessage(message.message_reference?.message_id);
  if (!target) return contextLine("reply", h("i", null, "Original message was deleted"));
  // What is on screen may be newer than the copy that came with the reply.
  const quoted = findMessage(target.id) ?? target;
  const author = authorOf(quoted.author);
  const pinged = (message.mentions ?? []).some((u) => (u.id ?? u) === quoted.author?.id);
  return contextLine(
    "reply",
    avatar(quoted.author, "tiny"),
    author.bot && appBadge(),
    h("b", { vars: { "--name": author.color } }, (pinged ? "@" : "") + author.name),
    h("button", { type: "button", class: "quoted", "data-do": "jump", "data-target": quoted.id }, preview(quoted)),
  );
}

/** A message in one line. */
export function preview(message) {
  const text = plainText((message.content ?? "").slice(0, PREVIEW_CHARS * 4), names);
  if (text) return text.length > PREVIEW_CHARS ? `${text.slice(0, PREVIEW_CHARS)}…` : text;
  if (message.embeds?.length) return "Click to see embed";
  return message.attachments?.length ? "Click to see attachment" : "…";
}

function systemRow(message) {
  const author = authorOf(message.author);
  const date = dateOf(message);
  const thread = state.channels.get(message.message_reference?.channel_id ?? message.thread?.id);
  const what =
    message.type === TYPE.JOIN
      ? [" joined the party."]
      : [
          " started a thread: ",
          thread
            ? h(
                "a",
                { class: "thread-link", href: `#/${thread.id}`, "data-do": "open-channel", "data-id": thread.id },
                thread.name,
              )
            : h("b", null, message.content),
          ".",
        ];
  return h(
    "div",
    { class: "row-inner first system" },
    h("div", { class: "gutter" }, icon(message.type === TYPE.JOIN ? "send" : "thread", 18)),
    h(
      "div",
      { class: "body" },
      h(
        "div",
        { class: "markup" },
        h("b", { class: "name", vars: { "--name": author.color } }, author.name),
        what,
        h("time", { class: "when", datetime: date.toISOString(), title: fullDate(date) }, messageTime(date)),
      ),
      isThread(thread) && threadCard(thread),
    ),
  );
}

function threadBox(message) {
  const thread = threadFrom(message);
  return thread && thread.id !== message.channel_id && threadCard(thread);
}

function threadCard(thread) {
  const list = (state.messages.get(thread.id) ?? []).filter((m) => m.type !== TYPE.THREAD_STARTER);
  const last = list.at(-1);
  const count = Math.max(list.length, thread.message_count ?? 0);
  return h(
    "a",
    {
      class: "thread-box",
      href: `#/${thread.id}`,
      "data-do": "open-channel",
      "data-id": thread.id,
      "aria-label": `Open the thread ${thread.name}`,
    },
    h(
      "span",
      { class: "thread-title" },
      h("b", null, thread.name),
      h("span", { class: "thread-count" }, `${count} Message${count === 1 ? "" : "s"} ›`),
    ),
    h(
      "span",
      { class: "thread-last" },
      last
        ? [
            avatar(last.author, "tiny"),
            h("b", { vars: { "--name": authorOf(last.author).color } }, authorOf(last.author).name),
            h("span", { class: "thread-text" }, preview(last)),
            h("time", { datetime: last.timestamp }, messageTime(dateOf(last))),
          ]
        : thread.archived
          ? "This thread is archived."
          : "There are no recent messages in this thread.",
    ),
  );
}

function reactions(message) {
  const list = (message.reactions ?? []).filter((r) => (r.count ?? r.users?.length ?? 0) > 0);
  if (list.length === 0) return null;
  return h(
    "div",
    { class: "reactions" },
    list.map((r) => {
      const emoji = typeof r.emoji === "string" ? r.emoji : r.emoji?.name;
      const mine = r.users ? r.users.some((u) => (u.id ?? u) === state.me) : Boolean(r.me);
      const count = r.count ?? r.users.length;
      const who = (r.users ?? []).map((u) => authorOf(typeof u === "string" ? { id: u } : u).name).join(", ");
      return h(
        "button",
        {
          type: "button",
          class: mine ? "reaction mine" : "reaction",
          "aria-pressed": String(mine),
          "aria-label": `${emoji}, ${count}`,
          title: who || null,
          "data-do": "react",
          "data-emoji": emoji,
          "data-key": `r-${emoji}`,
        },
        h("span", { class: "emoji" }, emoji),
        h("span", { class: "count" }, String(count)),
      );
    }),
    h(
      "button",
      {
        type: "button",
        class: "reaction add",
        "aria-label": "Add a reaction",
        title: "Add reaction",
        "data-do": "pick-reaction",
        "data-key": "r+",
      },
      icon("react", 16),
    ),
  );
}
