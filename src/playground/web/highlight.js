// Syntax colouring for fenced blocks: one pass of a regular expression per language. Colours are a hint, never exact; an
// unknown language is shown plain.

import { h } from "./dom.js";

const words = (text) => new Set(text.split(" "));

const C_LIKE = { line: "//", block: true, quotes: "\"'" };
const LANGUAGES = {
  rust: {
    ...C_LIKE,
    quotes: '"',
    keywords: words(
      "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref return self Self static struct super trait true type unsafe use where while",
    ),
  },
  javascript: {
    ...C_LIKE,
    quotes: "\"'`",
    keywords: words(
      "async await break case catch class const continue default delete do else export extends false finally for from function if import in instanceof interface let new null of private public readonly return static super switch this throw true try type typeof undefined var void while yield",
    ),
  },
  python: {
    line: "#",
    quotes: "\"'",
    triple: true,
    keywords: words(
      "and as assert async await break class continue def del elif else except False finally for from global if import in is lambda None nonlocal not or pass raise return self True try while with yield match case",
    ),
  },
  bash: {
    line: "#",
    quotes: "\"'",
    variables: true,
    keywords: words(
      "if then else elif fi for in do done while until case esac function return local export set cd echo exit source sudo git cargo npm grep sed cat ls mkdir rm curl",
    ),
  },
  go: {
    ...C_LIKE,
    quotes: "\"'`",
    keywords: words(
      "break case chan const continue default defer else fallthrough false for func go goto if import interface map nil package range return select struct switch true type var",
    ),
  },
  c: {
    ...C_LIKE,
    keywords: words(
      "auto bool break case char class const constexpr continue default delete do double else enum extern false float for if include define inline int long namespace new nullptr private public return short signed sizeof static struct switch template this true typedef union unsigned using virtual void volatile while final override import package throws extends implements string var async await",
    ),
  },
  json: { quotes: '"', keys: true, keywords: words("true false null") },
  toml: { line: "#", quotes: "\"'", assign: true, keywords: words("true false null yes no") },
  sql: {
    line: "--",
    block: true,
    quotes: "'\"",
    fold: true,
    keywords: words(
      "select from where and or not insert into values update set delete create table index drop alter join left right inner outer on group by order limit having as distinct null primary key unique references begin commit rollback with is in exists case when then else end",
    ),
  },
  css: { block: true, quotes: "\"'", assign: true, keywords: words("important") },
};

const ALIASES = {
  rs: "rust",
  js: "javascript",
  jsx: "javascript",
  ts: "javascript",
  tsx: "javascript",
  typescript: "javascript",
  mjs: "javascript",
  py: "python",
  python3: "python",
  sh: "bash",
  shell: "bash",
  zsh: "bash",
  console: "bash",
  golang: "go",
  cpp: "c",
  "c++": "c",
  h: "c",
  java: "c",
  cs: "c",
  csharp: "c",
  kotlin: "c",
  swift: "c",
  php: "c",
  jsonc: "json",
  json5: "json",
  yaml: "toml",
  yml: "toml",
  ini: "toml",
  dockerfile: "bash",
  makefile: "bash",
  scss: "css",
};

/** Colours `code` written in `lang` (the word after the fence): an array of nodes and strings. */
export function colour(code, lang) {
  const name = lang.toLowerCase();
  if (name === "diff" || name === "patch") return diff(code);
  if (name === "ansi") return ansi(code);
  if (name === "html" || name === "xml" || name === "svg") return markup(code);
  const rules = LANGUAGES[name] ?? LANGUAGES[ALIASES[name]];
  return rules ? tokens(code, rules) : [code];
}

const span = (kind, text) => h("span", { class: `hl-${kind}` }, text);
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");

function tokens(code, rules) {
  const parts = [];
  if (rules.triple) parts.push(`(?<string3>"""[\\s\\S]*?(?:"""|$)|'''[\\s\\S]*?(?:'''|$))`);
  if (rules.block) parts.push("(?<block>\\/\\*[\\s\\S]*?(?:\\*\\/|$))");
  if (rules.line) parts.push(`(?<line>${rules.line === "#" ? "(?<![\\w$&])" : ""}${escaped(rules.line)}[^\\n]*)`);
  const quotes = [...rules.quotes].map((q) => `${q}(?:\\\\.|[^${q}\\\\${q === "`" ? "" : "\\n"}])*${q}`);
  parts.push(`(?<string>${quotes.join("|")})`);
  if (rules.variables) parts.push("(?<variable>\\$\\{?\\w+\\}?)");
  parts.push(
    "(?<number>\\b(?:0x[\\da-fA-F_]+|\\d[\\d_]*(?:\\.\\d+)?(?:[eE][+-]?\\d+)?)\\w*\\b)",
    rules.assign ? "(?<word>[A-Za-z_][\\w-]*)" : "(?<word>[A-Za-z_]\\w*(?:!(?!=))?)",
  );
  const regex = new RegExp(parts.join("|"), "g");

  const out = [];
  let last = 0;
  for (const m of code.matchAll(regex)) {
    const kind = kindOf(m, code, rules);
    if (!kind) continue;
    if (m.index > last) out.push(code.slice(last, m.index));
    out.push(span(kind, m[0]));
    last = m.index + m[0].length;
  }
  out.push(code.slice(last));
  return out;
}

function kindOf(m, code, rules) {
  const { block, line, string, string3, variable, number, word } = m.groups;
  const after = code.slice(m.index + m[0].length, m.index + m[0].length + 8);
  if (block || line) return "comment";
  if (string && rules.keys && /^\s*:/.test(after)) return "key";
  if (string || string3) return "string";
  if (variable) return "key";
  if (number) return "number";
  if (rules.keywords.has(rules.fold ? word.toLowerCase() : word)) return "keyword";
  if (rules.assign && /^\s*[:=]/.test(after)) return "key";
  if (word.endsWith("!") || after.startsWith("(")) return "call";
  if (/^[A-Z][a-z]\w*$/.test(word) && rules.block) return "type";
  return null;
}

function diff(code) {
  const out = [];
  for (const line of code.split(/(?<=\n)/)) {
    const kind = /^(?:\+\+\+|---|diff |index )/.test(line)
      ? "comment"
      : line[0] === "+" || line[0] === ">"
        ? "added"
        : line[0] === "-" || line[0] === "<"
          ? "removed"
          : line.startsWith("@@")
            ? "key"
            : null;
    out.push(kind ? span(kind, line) : line);
  }
  return out;
}

function markup(code) {
  const out = [];
  let last = 0;
  for (const m of code.matchAll(/<!--[\s\S]*?(?:-->|$)|<\/?[A-Za-z][\w:-]*|\/?>|"[^"\n]*"|[\w:-]+(?==")/g)) {
    out.push(code.slice(last, m.index));
    const kind = m[0].startsWith("<!--")
      ? "comment"
      : m[0].startsWith('"')
        ? "string"
        : /^[<>/]/.test(m[0])
          ? "keyword"
          : "key";
    out.push(span(kind, m[0]));
    last = m.index + m[0].length;
  }
  out.push(code.slice(last));
  return out;
}

/** Colours as a terminal does, in the subset that Discord knows: bold, underline, eight colours each for text and ground. */
function ansi(code) {
  const out = [];
  let style = new Set();
  for (const part of code.split(/(\u001b\[[\d;]*m)/)) {
    if (!part.startsWith("\u001b[")) {
      if (part) out.push(style.size > 0 ? h("span", { class: [...style].join(" ") }, part) : part);
      continue;
    }
    for (const n of part.slice(2, -1).split(";").map(Number)) {
      if (n === 0) style = new Set();
      else if (n === 1) style.add("ansi-bold");
      else if (n === 4) style.add("ansi-underline");
      else if ((n >= 30 && n <= 37) || (n >= 40 && n <= 47)) {
        const ground = n >= 40;
        style = new Set([...style].filter((cls) => !cls.startsWith(ground ? "ansi-bg" : "ansi-fg")));
        style.add(`ansi-${ground ? "bg" : "fg"}${n % 10}`);
      }
    }
  }
  return out;
}
