// The page's door to the server: one function per endpoint, and the event socket that comes back by itself.

/** A refusal or failure of the server, with the sentence that a person may read. `status` is absent where no answer came. */
export class ApiError extends Error {
  constructor(sentence, status) {
    super(sentence);
    this.status = status;
  }
}

async function post(path, body, files = []) {
  let init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  if (files.length > 0) {
    const form = new FormData();
    form.append("payload_json", JSON.stringify(body));
    files.forEach((file, n) => form.append(`files[${n}]`, file, file.name));
    init = { method: "POST", body: form };
  }
  let response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new ApiError("The playground's server cannot be reached.");
  }
  const text = await response.text();
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    // Not every answer is JSON; the text itself serves as the message below.
  }
  if (!response.ok)
    throw new ApiError(
      answer?.message ?? answer?.error ?? (text.slice(0, 200) || `HTTP ${response.status}`),
      response.status,
    );
  return answer;
}

export async function getState(as) {
  const response = await fetch(`/page/state${as ? `?as=${encodeURIComponent(as)}` : ""}`);
  if (!response.ok)
    throw new ApiError((await response.text()).slice(0, 200) || `HTTP ${response.status}`, response.status);
  return response.json();
}

export const sendMessage = (body, files) => post("/page/message", body, files);
export const editMessage = (body) => post("/page/edit", body);
export const deleteMessage = (body) => post("/page/delete", body);
export const react = (body) => post("/page/react", body);
export const createThread = (body) => post("/page/thread", body);
export const runCommand = (body) => post("/page/slash", body);
export const runMessageCommand = (body) => post("/page/message-command", body);
export const autocomplete = (body) => post("/page/autocomplete", body);
export const component = (body) => post("/page/component", body);
export const modal = (body) => post("/page/modal", body);
/** Typing is a courtesy: nobody needs to hear that it failed. */
export const typing = (body) => post("/page/typing", body).catch(() => null);

const BACKOFF_MS_MAX = 8000;

/**
 * Listens to `/page/events` as `as` until `close()`. After every (re)connection `onOpen` is awaited before events are
 * handed on, so that the state can be loaded first; events that arrive meanwhile wait in order.
 */
export function listen(as, { onOpen, onEvent, onDown }) {
  let socket = null;
  let timer = null;
  let closed = false;
  let attempt = 0;

  const connect = () => {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const ws = new WebSocket(`${scheme}//${location.host}/page/events?as=${encodeURIComponent(as)}`);
    socket = ws;
    let waiting = [];
    ws.onopen = async () => {
      try {
        await onOpen();
      } catch {
        ws.close();
        return;
      }
      if (closed || ws !== socket) return;
      attempt = 0;
      const backlog = waiting;
      waiting = null;
      backlog.forEach(onEvent);
    };
    ws.onmessage = ({ data }) => {
      if (closed || typeof data !== "string") return;
      let event;
      try {
        event = JSON.parse(data);
      } catch {
        return;
      }
      if (waiting) waiting.push(event);
      else onEvent(event);
    };
    ws.onclose = () => {
      if (closed || ws !== socket) return;
      onDown();
      const wait = Math.min(BACKOFF_MS_MAX, 300 * 2 ** attempt) * (0.75 + Math.random() / 2);
      attempt += 1;
      timer = setTimeout(connect, wait);
    };
  };
  connect();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      socket?.close();
    },
  };
}

/** Where the page may load a file from: Discord's CDN is the playground's own; other hosts are never asked. Null: not loadable. */
export function localUrl(url) {
  if (typeof url !== "string") return null;
  const cdn = /^https?:\/\/(?:cdn\.discordapp\.com|media\.discordapp\.net)\/(.*)$/.exec(url);
  if (cdn) return `/cdn/${cdn[1]}`;
  return url.startsWith("/cdn/") || url.startsWith("blob:") ? url : null;
}
