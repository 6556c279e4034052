// Discord's markdown → DOM nodes. Rules and their quirks follow Discord's client (a simple-markdown grammar): no tables, no
// HTML, three heading levels, fences anywhere in a line, an unclosed marker is plain text.

import { h } from "./dom.js";
import { colour } from "./highlight.js";
import { parseList } from "./lists.js";

const DEPTH_MAX = 24;

/**
 * Renders `source` to an array of nodes. `names` resolves ids: `user(id)`, `role(id)`, `channel(id)` → `{label, color?}` or
 * null; `me` is the id whose mentions are highlighted by the caller.
 */
export function renderMarkdown(source, names) {
  return parse(source, { names, depth: 0, quote: false });
}

/** Renders a line for quotes and previews: markers are dropped, line breaks become spaces. */
export function plainText(source, names) {
  const box = document.createElement("div");
  box.append(...parse(source.replace(/```[\w+#.-]*\n?/g, " "), { names, depth: 0, quote: true }));
  return box.textContent.replace(/\s+/g, " ").trim();
}

function parse(source, context) {
  const nodes = [];
  const state = { ...context, depth: context.depth + 1 };
  let text = "";
  const flush = () => {
    if (text) nodes.push(document.createTextNode(text));
    text = "";
  };
  let at = 0;
  while (at < source.length) {
    const rest = source.slice(at);
    const lineStart = at === 0 || source[at - 1] === "\n";
    const hit = state.depth <= DEPTH_MAX ? match(rest, lineStart, state) : null;
    if (!hit) {
      const plain = /^(?:[0-9A-Za-z\u00c0-\ud7ff]+(?=[^0-9A-Za-z\u00c0-\ud7ff]|$)|\n| +|[\s\S])/.exec(rest)[0];
      text += plain;
      at += plain.length;
      continue;
    }
    if (typeof hit.node === "string") {
      text += hit.node;
    } else {
      flush();
      nodes.push(hit.node);
    }
    at += hit.length;
  }
  flush();
  return nodes;
}

function match(rest, lineStart, state) {
  if (lineStart) {
    const block = matchBlock(rest, state);
    if (block) return block;
  }
  for (const rule of INLINE) {
    if (!rule.first.includes(rest[0])) continue;
    const hit = rule.read(rest, state);
    if (hit) return hit;
  }
  return null;
}

function matchBlock(rest, state) {
  let m = /^ {0,3}(#{1,3}) +([^\n]*?[^\s#][^\n]*?)(?: +#+)? *(?:\n|$)/.exec(rest);
  if (m) return { length: m[0].length, node: h(`h${m[1].length}`, { class: "md-heading" }, parse(m[2], state)) };

  m = /^-# +(\S[^\n]*)(?:\n|$)/.exec(rest);
  if (m) return { length: m[0].length, node: h("div", { class: "md-subtext" }, parse(m[1], state)) };

  if (!state.quote) {
    m = /^ *>>> ([\s\S]*)$/.exec(rest);
    if (m) return quote(m[0].length, m[1], state);
    m = /^(?: *>(?: [^\n]*| *(?=\n|$))(?:\n|$))+/.exec(rest);
    if (m && /^ *> ./.test(rest)) return quote(m[0].length, m[0].replace(/\n$/, "").replace(/^ *> ?/gm, ""), state);
  }
  const list = parseList(rest);
  if (list) return { length: list.length, node: listNode(list, state) };
  return null;
}

function quote(length, body, state) {
  const inner = parse(body, { ...state, quote: true });
  return {
    length,
    node: h("div", { class: "md-quote" }, h("div", { class: "md-quote-bar" }), h("blockquote", null, inner)),
  };
}

function listNode(list, state) {
  const items = list.items.map((item) =>
    h(
      "li",
      item.number == null ? null : { value: item.number },
      parse(item.text, state),
      item.lists.map((sub) => listNode(sub, state)),
    ),
  );
  return list.ordered ? h("ol", { class: "md-list" }, items) : h("ul", { class: "md-list" }, items);
}

const wrap = (tag, regex, cls) => ({
  regex,
  make: (m, state) =>
    h(
      tag,
      cls ? { class: cls } : null,
      parse(
        m.slice(1).find((group) => group !== undefined),
        state,
      ),
    ),
});

// Where several match, the longest wins and a tie goes to the first: `***x***` is italic around bold, as in Discord.
const EMPHASIS = [
  wrap(
    "em",
    /^\b_((?:__|\\[\s\S]|[^\\_])+?)_\b|^\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^*\s\\]|\*\*)|[^\s*\\])+?)\*(?!\*)/,
  ),
  wrap("strong", /^\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/),
  wrap("u", /^__((?:\\[\s\S]|[^\\])+?)__(?!_)/),
];

const INLINE = [
  { first: "`", read: readFence },
  { first: "`", read: readCode },
  { first: "\\", read: readEscape },
  { first: "<", read: readAngle },
  { first: "h", read: readUrl },
  { first: "[", read: readMasked },
  { first: "*_", read: readEmphasis },
  { first: "~", read: simple(/^~~([\s\S]+?)~~(?!_)/, (inner) => h("s", null, inner)) },
  { first: "|", read: simple(/^\|\|([\s\S]+?)\|\|/, spoiler) },
  { first: "@", read: readEveryone },
];

function simple(regex, make) {
  return (rest, state) => {
    const m = regex.exec(rest);
    return m && { length: m[0].length, node: make(parse(m[1], state)) };
  };
}

function spoiler(inner) {
  return h(
    "span",
    {
      class: "spoiler",
      role: "button",
      tabindex: "0",
      "aria-label": "Spoiler",
      "aria-expanded": "false",
      "data-keep": "aria-expanded aria-label",
      "data-do": "spoiler",
    },
    h("span", { class: "spoiler-text" }, inner),
  );
}

function readFence(rest) {
  const m = /^```(?:([a-z0-9_+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```/i.exec(rest);
  if (!m || !m[2].trim()) return null;
  const code = h(
    "code",
    { class: "code-block", ...(m[1] ? { "data-lang": m[1].toLowerCase() } : {}) },
    colour(m[2], m[1] ?? ""),
  );
  const copy = h(
    "button",
    { type: "button", class: "copy", "aria-label": "Copy the code", title: "Copy", "data-do": "copy" },
    "Copy",
  );
  // One line break after the fence belongs to it.
  const length = m[0].length + (rest[m[0].length] === "\n" ? 1 : 0);
  return { length, node: h("div", { class: "md-fence" }, h("pre", { tabindex: "0" }, code), copy) };
}

function readCode(rest) {
  const m = /^(`+)([\s\S]*?[^`])\1(?!`)/.exec(rest);
  if (!m) {
    const run = /^`+/.exec(rest)[0];
    return { length: run.length, node: run };
  }
  return {
    length: m[0].length,
    node: h("code", { class: "code-inline" }, m[2].replace(/^ (?=`)|(?<=`) $/g, "").replace(/\n/g, " ")),
  };
}

function readEscape(rest) {
  const m = /^\\([^0-9A-Za-z\s])/u.exec(rest);
  return m && { length: m[0].length, node: m[1] };
}

function readEmphasis(rest, state) {
  let best = null;
  for (const rule of EMPHASIS) {
    const m = rule.regex.exec(rest);
    if (m && (!best || m[0].length > best.m[0].length)) best = { m, rule };
  }
  if (best) return { length: best.m[0].length, node: best.rule.make(best.m, state) };
  const run = /^\*+|^_+/.exec(rest)[0];
  return { length: 1, node: run[0] };
}

/** Mentions, timestamps, custom emoji and links in angle brackets. */
function readAngle(rest, { names }) {
  let m = /^<@!?(\d+)>/.exec(rest);
  if (m) return pill(m, "user", names.user(m[1]), "@", "unknown-user");
  m = /^<@&(\d+)>/.exec(rest);
  if (m) return pill(m, "role", names.role(m[1]), "@", "deleted-role");
  m = /^<#(\d+)>/.exec(rest);
  if (m) return pill(m, "channel", names.channel(m[1]), "#", "unknown");
  m = /^<\/([^:>\n]{1,100}):(\d+)>/.exec(rest);
  if (m) return { length: m[0].length, node: h("span", { class: "mention" }, `/${m[1]}`) };
  m = /^<t:(-?\d{1,13})(?::([tTdDfFR]))?>/.exec(rest);
  if (m) return { length: m[0].length, node: timestamp(Number(m[1]), m[2] ?? "f") };
  m = /^<a?:(\w{2,32}):\d+>/.exec(rest);
  if (m) return { length: m[0].length, node: `:${m[1]}:` };
  m = /^<(https?:\/\/[^\s>]+)>/.exec(rest);
  if (m) return { length: m[0].length, node: link(m[1], [m[1]]) };
  return null;
}

function pill(m, kind, found, sign, missing) {
  const attrs = { class: `mention mention-${kind}`, "data-id": m[1] };
  if (found?.color) attrs.vars = { "--role": found.color };
  const text = `${sign}${found?.label ?? missing}`;
  if (kind === "channel" && found) {
    return {
      length: m[0].length,
      node: h("a", { ...attrs, href: `#/${m[1]}`, "data-do": "open-channel" }, found.thread ? found.label : text),
    };
  }
  return { length: m[0].length, node: h("span", attrs, text) };
}

function readEveryone(rest) {
  const m = /^@(?:everyone|here)\b/.exec(rest);
  return m && { length: m[0].length, node: h("span", { class: "mention" }, m[0]) };
}

function readUrl(rest) {
  const m = /^https?:\/\/[^\s<]+[^<.,:;"'\]\s*_~|`]/.exec(rest);
  if (!m) return null;
  let url = m[0];
  // A closing parenthesis belongs to the url only if it was opened there.
  while (url.endsWith(")") && url.split(")").length > url.split("(").length) url = url.slice(0, -1);
  return url.length > 8 ? { length: url.length, node: link(url, [url]) } : null;
}

function readMasked(rest, state) {
  const m =
    /^\[((?:\[[^\]\n]*\]|\\.|[^[\]\\])+)\]\(\s*(?:<([^>\n]+)>|((?:\([^()\s]*\)|[^()\s])+))(?:\s+["']([^"'\n]*)["'])?\s*\)/.exec(
      rest,
    );
  if (!m) return null;
  const url = m[2] ?? m[3];
  // Discord hides no link behind another one, and nothing but web addresses behind a text.
  if (!/^https?:\/\//i.test(url) || (/https?:\/\//i.test(m[1]) && m[1] !== url)) return null;
  return { length: m[0].length, node: link(url, m[1] === url ? [url] : parse(m[1], state), m[4] ?? url) };
}

function link(url, children, title) {
  let href;
  try {
    href = new URL(url).href;
  } catch {
    return url;
  }
  return h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow", title }, children);
}

const FORMATS = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};

function timestamp(unix, style) {
  const date = new Date(unix * 1000);
  if (Number.isNaN(date.getTime())) return "Invalid Date";
  const full = new Intl.DateTimeFormat(undefined, FORMATS.F).format(date);
  const text = style === "R" ? relative(unix) : new Intl.DateTimeFormat(undefined, FORMATS[style]).format(date);
  return h(
    "time",
    {
      class: "md-time",
      datetime: date.toISOString(),
      title: full,
      ...(style === "R" ? { "data-relative": unix } : {}),
    },
    text,
  );
}

const STEPS = [
  [31_557_600, "year"],
  [2_629_800, "month"],
  [86_400, "day"],
  [3600, "hour"],
  [60, "minute"],
  [1, "second"],
];

/** “5 minutes ago”, “in 2 hours”; the page refreshes elements with `data-relative`. */
export function relative(unix, nowMs = Date.now()) {
  const secs = Math.round(unix - nowMs / 1000);
  const [size, unit] = STEPS.find(([step]) => Math.abs(secs) >= step) ?? STEPS.at(-1);
  return new Intl.RelativeTimeFormat(undefined, { numeric: unit === "second" ? "always" : "auto" }).format(
    Math.round(secs / size),
    unit,
  );
}

/** Whether Discord would show the text in large: nothing but a few emoji. */
export function isJumbo(source) {
  const compact = source.replace(/\s/g, "");
  return (
    compact.length > 0 &&
    compact.length <= 80 &&
    /^(?:\p{Extended_Pictographic}(?:\ufe0f|\u200d|\p{Extended_Pictographic}|\p{Emoji_Modifier})*)+$/u.test(compact)
  );
}
