// Between what a person types (`@Ada`, `#general`, `:tada:`) and what Discord sends (`<@1>`, `<#2>`, 🎉). Code stays as it is.

import { EMOJI } from "./menus.js";
import { isThread, names, state } from "./store.js";

const CODE = /(```[\s\S]*?```|`[^`\n]*`)/;
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Text as typed → content as sent. */
export function toWire(text) {
  const targets = new Map();
  for (const c of state.channels.values()) if (!isThread(c)) targets.set(`#${c.name}`.toLowerCase(), `<#${c.id}>`);
  for (const r of state.roles.values())
    if (r.name !== "@everyone") targets.set(`@${r.name}`.toLowerCase(), `<@&${r.id}>`);
  for (const p of state.people.values()) targets.set(`@${p.name}`.toLowerCase(), `<@${p.id}>`);
  const longestFirst = [...targets.keys()].sort((a, b) => b.length - a.length).map(escaped);
  const mention =
    longestFirst.length > 0 ? new RegExp(`(?<![\\w<])(?:${longestFirst.join("|")})(?![\\w])`, "gi") : null;
  return text
    .split(CODE)
    .map((part, n) => {
      if (n % 2 === 1) return part;
      const named = mention ? part.replace(mention, (found) => targets.get(found.toLowerCase())) : part;
      return named.replace(/:([a-z0-9_]+):/g, (all, name) => (Object.hasOwn(EMOJI, name) ? EMOJI[name] : all));
    })
    .join("");
}

/** Content as sent → text that a person can edit. */
export function toEditable(content) {
  return content
    .split(CODE)
    .map((part, n) =>
      n % 2 === 1
        ? part
        : part
            .replace(/<@!?(\d+)>/g, (all, id) => (names.user(id) ? `@${names.user(id).label}` : all))
            .replace(/<@&(\d+)>/g, (all, id) => (names.role(id) ? `@${names.role(id).label}` : all))
            .replace(/<#(\d+)>/g, (all, id) =>
              names.channel(id) && !names.channel(id).thread ? `#${names.channel(id).label}` : all,
            ),
    )
    .join("");
}
