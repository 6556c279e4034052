// Dates, sizes and initials as Discord writes them.

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayShort = new Intl.DateTimeFormat(undefined, { dateStyle: "short" });
const dayLong = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

export const timeOnly = (date) => clock.format(date);
export const fullDate = (date) => full.format(date);
export const dayName = (date) => dayLong.format(date);

const dayNumber = (date) => Math.floor((date.getTime() - date.getTimezoneOffset() * 60_000) / 86_400_000);
export const sameDay = (a, b) => dayNumber(a) === dayNumber(b);

/** “Today at 14:03”, “Yesterday at 14:03”, “21/11/2026, 14:03”. */
export function messageTime(date, now = new Date()) {
  const days = dayNumber(now) - dayNumber(date);
  if (days === 0) return `Today at ${clock.format(date)}`;
  if (days === 1) return `Yesterday at ${clock.format(date)}`;
  return `${dayShort.format(date)} ${clock.format(date)}`;
}

export function fileSize(bytes) {
  if (!(bytes >= 0)) return "";
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(2)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(2)} MB`;
}

/** Up to two letters for an avatar. */
export function initials(name) {
  const parts = String(name)
    .trim()
    .split(/[\s_.-]+/)
    .filter(Boolean);
  const letters = parts.length > 1 ? [parts[0], parts.at(-1)] : parts;
  return letters.map((part) => [...part][0]?.toUpperCase() ?? "").join("") || "?";
}
