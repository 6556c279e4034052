// The list part of Discord's markdown: nesting by indentation, fences inside of items.

const ITEM = /^( *)([*-]|\d{1,10}\.) +(\S.*|$)/;

/**
 * Reads a list at the start of `rest`: `{length, ordered, items: [{number, text, lists}]}`, or null. A list ends at the
 * first line that is neither an item nor indented.
 */
export function parseList(rest) {
  const first = ITEM.exec(rest.slice(0, lineEnd(rest, 0)));
  if (!first || !first[3]) return null;
  const entries = [];
  let at = 0;
  while (at < rest.length) {
    const end = lineEnd(rest, at);
    const line = rest.slice(at, end);
    const item = ITEM.exec(line);
    if (item) {
      // Another kind of marker at the outermost level starts another list.
      if (entries.length > 0 && item[1].length <= first[1].length && isOrdered(item) !== isOrdered(first)) break;
      entries.push({
        indent: item[1].length,
        ordered: isOrdered(item),
        number: isOrdered(item) ? Number.parseInt(item[2], 10) : null,
        text: item[3],
      });
    } else if (/^ +\S/.test(line)) {
      entries.at(-1).text += `\n${line.trimStart()}`;
    } else {
      break;
    }
    at = end + 1;
    at = swallowFence(rest, at, entries.at(-1));
  }
  const length = Math.min(at, rest.length);
  return { length, ...nest(entries, 0, entries.length) };
}

/** A fence that an item opens reaches to its end, whatever its lines look like. */
function swallowFence(rest, at, entry) {
  if ((entry.text.match(/```/g) ?? []).length % 2 === 0) return at;
  const close = rest.indexOf("```", at);
  if (close < 0) return at;
  const end = lineEnd(rest, close);
  const indent = /^ */.exec(rest.slice(at))[0].length;
  const body = rest
    .slice(at, end)
    .split("\n")
    .map((line) => line.replace(new RegExp(`^ {0,${indent}}`), ""));
  entry.text += `\n${body.join("\n")}`;
  return end + 1;
}

/** Entries from..to as one list with sub-lists; an entry indented by two or more spaces hangs below the one before it. */
function nest(entries, from, to) {
  const items = [];
  const { indent, ordered } = entries[from];
  let i = from;
  while (i < to) {
    const entry = entries[i];
    let next = i + 1;
    while (next < to && entries[next].indent > indent + 1) next += 1;
    const lists = [];
    let at = i + 1;
    while (at < next) {
      let end = at + 1;
      // Within one depth a change of marker starts a sibling list.
      while (
        end < next &&
        !(entries[end].indent <= entries[at].indent + 1 && entries[end].ordered !== entries[at].ordered)
      )
        end += 1;
      lists.push(nest(entries, at, end));
      at = end;
    }
    items.push({ number: ordered ? entries[from].number + items.length : null, text: entry.text, lists });
    i = next;
  }
  return { ordered, items };
}

const isOrdered = (item) => item[2].endsWith(".");

function lineEnd(text, from) {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}
