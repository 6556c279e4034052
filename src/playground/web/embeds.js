// Embeds and attachments beneath a message's text.

import { add, h, icon } from "./dom.js";
import { localUrl } from "./api.js";
import { colour } from "./highlight.js";
import { fileSize, messageTime } from "./format.js";
import { renderMarkdown } from "./markdown.js";
import { names } from "./store.js";

const IMAGE_WIDTH_MAX = 400;
const IMAGE_HEIGHT_MAX = 300;
const PREVIEW_BYTES = 16 * 1024;
const PREVIEW_LINES = 7;
/** As in Discord, an SVG is a file: opened by itself it could run scripts. */
const PICTURES = /^image\/(png|jpeg|gif|webp|avif)\b/;
const TEXT_NAMES =
  /\.(txt|md|log|json|jsonl|toml|ya?ml|rs|py|js|ts|tsx|jsx|go|c|h|cpp|java|sh|sql|css|html|xml|csv|diff|patch|ini|cfg|conf|lock)$/i;

export function embeds(message) {
  return (message.embeds ?? []).map((embed, n) =>
    h(
      "article",
      { class: "embed", "data-key": `e${n}`, vars: embedColor(embed) },
      h(
        "div",
        { class: "embed-grid" },
        h(
          "div",
          { class: "embed-main" },
          embed.author?.name && h("div", { class: "embed-author" }, outside(embed.author.url, embed.author.name)),
          embed.title && h("div", { class: "embed-title" }, outside(embed.url, renderMarkdown(embed.title, names))),
          embed.description && h("div", { class: "markup embed-text" }, renderMarkdown(embed.description, names)),
          embed.fields?.length > 0 && fields(embed.fields),
        ),
        picture(embed.thumbnail, "embed-thumb", 80, 80),
      ),
      picture(embed.image, "embed-image", IMAGE_WIDTH_MAX, IMAGE_HEIGHT_MAX),
      (embed.footer?.text || embed.timestamp) &&
        h(
          "div",
          { class: "embed-footer" },
          [embed.footer?.text, embed.timestamp && messageTime(new Date(embed.timestamp))].filter(Boolean).join(" • "),
        ),
    ),
  );
}

const embedColor = (embed) =>
  embed.color == null ? null : { "--bar": `#${Number(embed.color).toString(16).padStart(6, "0")}` };

const outside = (url, children) =>
  /^https?:\/\//i.test(url ?? "")
    ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, children)
    : children;

/** Up to three inline fields share a line. */
function fields(list) {
  return h(
    "div",
    { class: "embed-fields" },
    list.map((field) =>
      h(
        "div",
        { class: field.inline ? "embed-field inline" : "embed-field" },
        h("div", { class: "embed-field-name" }, renderMarkdown(field.name ?? "", names)),
        h("div", { class: "markup" }, renderMarkdown(field.value ?? "", names)),
      ),
    ),
  );
}

function picture(image, cls, width, height) {
  const url = localUrl(image?.url);
  return url && imageLink(url, image, cls, width, height);
}

/** An image with its place reserved, so that nothing jumps when it arrives. */
function imageLink(url, image, cls, widthMax, heightMax) {
  const scale = image.width && image.height ? Math.min(1, widthMax / image.width, heightMax / image.height) : null;
  const size = scale ? { width: Math.round(image.width * scale), height: Math.round(image.height * scale) } : {};
  return h(
    "a",
    { class: `image ${cls}`, href: url, target: "_blank", rel: "noopener", "data-do": "enlarge" },
    h("img", {
      src: url,
      alt: image.description ?? image.filename ?? "Image",
      loading: "lazy",
      vars: { "--w": `${widthMax}px`, "--h": `${heightMax}px` },
      ...size,
    }),
  );
}

export function attachments(message) {
  const list = message.attachments ?? [];
  if (list.length === 0) return null;
  return h(
    "div",
    { class: "attachments" },
    list.map((file) => {
      const url = stableUrl(file);
      const key = `a${file.id}`;
      if (
        url &&
        (PICTURES.test(file.content_type ?? "") ||
          (!file.content_type && /\.(png|jpe?g|gif|webp)$/i.test(file.filename)))
      ) {
        return h("div", { "data-key": key }, imageLink(url, file, "attached", IMAGE_WIDTH_MAX, IMAGE_HEIGHT_MAX));
      }
      const isText =
        /^(text\/|application\/(json|toml|xml|x-sh|javascript))/.test(file.content_type ?? "") ||
        TEXT_NAMES.test(file.filename);
      return url && isText ? textCard(file, url, key) : fileCard(file, url, key);
    }),
  );
}

const urls = new Map();

/** The signature in an address is renewed with every edit of the message; the file stays the same, and so does its first address. */
function stableUrl(file) {
  const known = urls.get(file.id);
  if (known && known.split("?")[0] === localUrl(file.url)?.split("?")[0]) return known;
  urls.set(file.id, localUrl(file.url));
  return urls.get(file.id);
}

function fileCard(file, url, key) {
  return h(
    "div",
    { class: "file-card", "data-key": key },
    icon("file", 32),
    h(
      "div",
      { class: "file-what" },
      url ? h("a", { href: url, download: file.filename }, file.filename) : file.filename,
      h("div", { class: "file-size" }, fileSize(file.size)),
    ),
    url && download(file, url),
  );
}

const download = (file, url) =>
  h(
    "a",
    {
      class: "icon-button",
      href: url,
      download: file.filename,
      "aria-label": `Download ${file.filename}`,
      title: "Download",
    },
    icon("download", 20),
  );

const previews = new Map();

/** A card with the first lines of a text file; opened, with as much as was fetched. */
function textCard(file, url, key) {
  const code = h("code", { class: "code-block" }, "…");
  const toggle = h(
    "button",
    {
      type: "button",
      class: "icon-button",
      "aria-expanded": "false",
      "aria-label": "Show more of the file",
      title: "Expand",
    },
    icon("chevron", 18),
  );
  const card = h(
    "div",
    { class: "text-card", "data-key": key, "data-opaque": true },
    h("pre", { tabindex: "0" }, code),
    h(
      "div",
      { class: "text-card-bar" },
      toggle,
      h(
        "span",
        { class: "file-what" },
        h("a", { href: url, download: file.filename }, file.filename),
        h("span", { class: "file-size" }, fileSize(file.size)),
      ),
      download(file, url),
    ),
  );
  let open = false;
  const draw = (text) => {
    const lines = text.split("\n");
    const cut = !open && lines.length > PREVIEW_LINES;
    const lang = /\.(\w+)$/.exec(file.filename)?.[1] ?? "";
    const rest = !cut && file.size > PREVIEW_BYTES ? `\n… (${fileSize(file.size - PREVIEW_BYTES)} left)` : "";
    code.replaceChildren();
    add(code, [colour((cut ? lines.slice(0, PREVIEW_LINES) : lines).join("\n"), lang), rest]);
    toggle.hidden = !open && lines.length <= PREVIEW_LINES;
  };
  if (!previews.has(url)) previews.set(url, readStart(url));
  previews.get(url).then(draw, () => {
    // Gone or not readable: the card's name and download button say enough.
    previews.delete(url);
    card.querySelector("pre").hidden = true;
    toggle.hidden = true;
  });
  toggle.addEventListener("click", async () => {
    open = !open;
    toggle.setAttribute("aria-expanded", String(open));
    card.classList.toggle("open", open);
    draw(await previews.get(url));
  });
  return card;
}

async function readStart(url) {
  const response = await fetch(url, { headers: { Range: `bytes=0-${PREVIEW_BYTES - 1}` } });
  if (!response.ok) throw new Error(String(response.status));
  return (await response.text()).slice(0, PREVIEW_BYTES).replace(/\r/g, "");
}
