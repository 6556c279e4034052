// What the page knows: the server's state, and what changes it. No DOM here. Who draws subscribes with `on`.

/** Message types of Discord that the page tells apart. */
export const TYPE = { DEFAULT: 0, JOIN: 7, THREAD_CREATED: 18, REPLY: 19, COMMAND: 20, THREAD_STARTER: 21 };
export const FLAG = { EPHEMERAL: 1 << 6, LOADING: 1 << 7 };
const MANAGE_MESSAGES = 1n << 13n;
const TEXT = 0;
const THREADS = [10, 11, 12];
const TYPING_MS = 10_000;

export const state = {
  me: null,
  people: new Map(),
  guild: { id: "0", name: "Playground" },
  channels: new Map(),
  roles: new Map(),
  commands: [],
  /** channel id → messages, oldest first */
  messages: new Map(),
  /** channel id → person id → time at which the dots go, in ms */
  typing: new Map(),
  assistant: null,
  /** id of the bot that the playground runs; there may be others */
  bot: null,
  /** id of the channel or thread on screen */
  current: null,
  /** channel id → {count, mentions} since it was last looked at */
  unread: new Map(),
  /** ids of ephemeral messages that were dismissed; the server keeps none */
  dismissed: new Set(),
};

const listeners = new Map();

/** Calls `listener(detail)` at every `emit(topic, detail)`. Topics: state, channels, people, messages, message, removed, typing, current, failed, form. */
export function on(topic, listener) {
  listeners.set(topic, [...(listeners.get(topic) ?? []), listener]);
}

export function emit(topic, detail) {
  for (const listener of listeners.get(topic) ?? []) listener(detail);
}

/** Snowflakes in order of time; they exceed what a number can hold exactly. */
export const byId = (a, b) => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);

/** Takes a whole state from `/page/state`, in place of what was known. */
export function load(fresh) {
  state.me = typeof fresh.me === "string" ? fresh.me : fresh.me?.id;
  state.people = indexed(fresh.people);
  state.guild = fresh.guild ?? state.guild;
  state.channels = indexed(fresh.channels);
  state.channels.forEach(noteArchived);
  state.roles = indexed(fresh.roles);
  state.commands = fresh.commands ?? [];
  state.messages = new Map();
  for (const [channel, list] of Object.entries(fresh.messages ?? {})) {
    state.messages.set(
      channel,
      [...list].sort((a, b) => byId(a.id, b.id)),
    );
  }
  state.typing = new Map();
  for (const [channel, ids] of Object.entries(fresh.typing ?? {})) {
    state.typing.set(channel, new Map(ids.map((id) => [id, Date.now() + TYPING_MS])));
  }
  state.assistant = fresh.assistant ?? null;
  state.bot = fresh.bot?.id ?? null;
  if (!state.channels.has(state.current)) state.current = projectChannel()?.id ?? null;
  emit("state");
}

const indexed = (list) =>
  new Map((Array.isArray(list) ? list : Object.values(list ?? {})).map((item) => [item.id, item]));

/** Applies one event of the socket. Unknown ones are skipped: an older page must live with a newer server. */
export function apply({ t, d }) {
  REDUCERS[t]?.(d ?? {});
}

const REDUCERS = {
  MESSAGE_CREATE(d) {
    const list = listOf(d.channel_id);
    stopTyping(d.channel_id, d.author?.id);
    if (list.some((m) => m.id === d.id)) return REDUCERS.MESSAGE_UPDATE(d);
    const after = list.findLastIndex((m) => byId(m.id, d.id) < 0);
    list.splice(after + 1, 0, d);
    if (d.channel_id !== state.current && d.author?.id !== state.me) {
      const unread = state.unread.get(d.channel_id) ?? { count: 0, mentions: 0 };
      state.unread.set(d.channel_id, { count: unread.count + 1, mentions: unread.mentions + (mentionsMe(d) ? 1 : 0) });
      emit("channels");
    }
    emit("message", { message: d, created: true });
  },
  MESSAGE_UPDATE(d) {
    const list = listOf(d.channel_id);
    const at = list.findIndex((m) => m.id === d.id);
    if (at < 0) return REDUCERS.MESSAGE_CREATE(d);
    // Whole messages replace what was known (an absent list is an empty one), partial ones add to it.
    list[at] = d.content === undefined ? { ...list[at], ...d } : d;
    emit("message", { message: list[at], created: false });
  },
  MESSAGE_DELETE(d) {
    for (const id of d.ids ?? [d.id ?? d.message_id]) {
      const message = findMessage(id);
      if (!message) continue;
      const list = listOf(message.channel_id);
      list.splice(list.indexOf(message), 1);
      emit("removed", message);
    }
  },
  REACTIONS(d) {
    const message = findMessage(d.message_id ?? d.message ?? d.id);
    if (!message) return;
    message.reactions = d.reactions ?? [];
    emit("message", { message, created: false });
  },
  TYPING_START(d) {
    const channel = d.channel_id ?? d.channel;
    const person = d.user_id ?? d.user;
    if (person === state.me) return;
    if (!state.typing.has(channel)) state.typing.set(channel, new Map());
    state.typing.get(channel).set(person, Date.now() + TYPING_MS);
    emit("typing");
  },
  TYPING_STOP(d) {
    stopTyping(d.channel_id ?? d.channel, d.user_id ?? d.user);
  },
  THREAD_CREATE(d) {
    putChannel(d);
  },
  CHANNEL_UPDATE(d) {
    putChannel(d);
  },
  CHANNEL_DELETE(d) {
    state.channels.delete(d.id);
    state.messages.delete(d.id);
    emit("channels");
  },
  COMMANDS(d) {
    state.commands = Array.isArray(d) ? d : (d.commands ?? []);
    emit("commands");
  },
  INTERACTION_FAILED(d) {
    emit("failed", d);
  },
  MODAL(d) {
    emit("form", d);
  },
};

function putChannel(d) {
  const channel = { ...state.channels.get(d.id), ...d };
  noteArchived(channel);
  state.channels.set(d.id, channel);
  emit("channels");
  // The box beneath the message from which the thread was started.
  const starter = starterOf(channel);
  if (starter) emit("message", { message: starter, created: false });
}

function noteArchived(channel) {
  if (channel.thread_metadata) channel.archived = channel.thread_metadata.archived;
}

function listOf(channel) {
  if (!state.messages.has(channel)) state.messages.set(channel, []);
  return state.messages.get(channel);
}

function stopTyping(channel, person) {
  const typists = state.typing.get(channel);
  if (!typists) return;
  if (person ? typists.delete(person) : typists.size > 0) {
    if (!person) typists.clear();
    emit("typing");
  }
}

/** People whose dots show in `channel`; forgets those who have been silent for too long. */
export function typists(channel) {
  const now = Date.now();
  const known = state.typing.get(channel);
  if (!known) return [];
  for (const [id, until] of known) if (until < now) known.delete(id);
  return [...known.keys()].filter((id) => id !== state.me);
}

export function findMessage(id) {
  for (const list of state.messages.values()) {
    const found = list.find((m) => m.id === id);
    if (found) return found;
  }
  return null;
}

/** The messages on screen: those of the channel, without dismissed ones. */
export function visibleMessages(channel = state.current) {
  return (state.messages.get(channel) ?? []).filter((m) => !state.dismissed.has(m.id));
}

export const isThread = (channel) => THREADS.includes(channel?.type);
export const textChannels = () => [...state.channels.values()].filter((c) => (c.type ?? TEXT) === TEXT);
/** Where to begin: a channel that the server calls a project's; where it says nothing, the first that is not #general. */
export const projectChannel = () =>
  textChannels().find((c) => c.project) ?? textChannels().find((c) => c.name !== "general") ?? textChannels()[0];
export const threadsOf = (parent) =>
  [...state.channels.values()].filter((c) => isThread(c) && c.parent_id === parent).sort((a, b) => byId(b.id, a.id));

/** The thread that was started from a message: it has the message's id, as in Discord, or is named by the message. */
export function threadFrom(message) {
  const thread = state.channels.get(message.thread?.id ?? message.id);
  return isThread(thread) ? thread : null;
}

function starterOf(thread) {
  if (!isThread(thread)) return null;
  return (
    (state.messages.get(thread.parent_id) ?? []).find((m) => m.id === thread.id || m.thread?.id === thread.id) ?? null
  );
}

/** The message shown at the top of a thread, if it was started from one. */
export const starterMessage = (threadId) => starterOf(state.channels.get(threadId));

export function open(channel) {
  if (!state.channels.has(channel)) return;
  state.current = channel;
  state.unread.delete(channel);
  emit("current");
}

export const me = () => state.people.get(state.me) ?? { id: state.me, name: "?" };
export const bot = () => state.people.get(state.bot) ?? [...state.people.values()].find((p) => p.bot) ?? null;

/** Whether somebody may delete what others wrote. */
export const mayManage = () => (BigInt(me().permissions ?? 0) & MANAGE_MESSAGES) !== 0n;
export const isEphemeral = (m) => Boolean(m.ephemeral) || Boolean((m.flags ?? 0) & FLAG.EPHEMERAL);
export const isLoading = (m) => Boolean((m.flags ?? 0) & FLAG.LOADING);

/** A message's author as the page shows people; falls back to what the message says. */
export function authorOf(user) {
  const known = state.people.get(user?.id);
  const name = known?.name ?? user?.global_name ?? user?.username ?? "Unknown";
  return { id: user?.id, name, color: colorOf(known ?? user ?? {}), bot: Boolean(known?.bot ?? user?.bot) };
}

const PALETTE = ["#5865f2", "#757e8a", "#3ba55c", "#faa61a", "#ed4245", "#eb459e"];

/** A colour as CSS takes it; Discord's are numbers. */
export function colorOf({ id, color, name }) {
  if (typeof color === "number" && color > 0) return `#${color.toString(16).padStart(6, "0")}`;
  if (typeof color === "string" && /^#?[0-9a-f]{3,8}$/i.test(color)) return color.startsWith("#") ? color : `#${color}`;
  const sum = [...String(id ?? name)].reduce((n, c) => n + c.charCodeAt(0), 0);
  return PALETTE[sum % PALETTE.length];
}

/** Whether the person in whose name the page speaks is mentioned. */
export function mentionsMe(m) {
  if (m.author?.id === state.me) return false;
  const mine = me().roles ?? [];
  return Boolean(
    m.mention_everyone ||
    (m.mentions ?? []).some((u) => (u.id ?? u) === state.me) ||
    (m.mention_roles ?? []).some((role) => mine.includes(role)) ||
    (m.content ?? "").includes(`<@${state.me}>`),
  );
}

/** Names for the markdown renderer. */
export const names = {
  user(id) {
    const person = state.people.get(id);
    return person ? { label: person.name } : null;
  },
  role(id) {
    const role = state.roles.get(id);
    return role ? { label: role.name, color: role.color ? colorOf(role) : null } : null;
  },
  channel(id) {
    const channel = state.channels.get(id);
    return channel ? { label: channel.name, thread: isThread(channel) } : null;
  },
};
