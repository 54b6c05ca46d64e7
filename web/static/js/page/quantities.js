import { _, language } from "./i18n.js";

const number = (value, digits) =>
  new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);

/** A size as text: 1.2 GB, 340 MB, 12 kB. */
export function sizeText(bytes) {
  if (bytes >= 2 ** 30) return `${number(bytes / 2 ** 30, 1)} GB`;
  if (bytes >= 2 ** 20) return `${number(bytes / 2 ** 20, bytes < 10 * 2 ** 20 ? 1 : 0)} MB`;
  return `${number(Math.ceil(bytes / 2 ** 10), 0)} kB`;
}

/** A remaining time as text, to the second below 90 s and to the minute above. */
export function durationText(seconds) {
  if (seconds < 90) return _("%(seconds)s s", { seconds: Math.max(1, Math.ceil(seconds)) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return _("%(minutes)s min", { minutes });
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  const parts = [_("%(hours)s h", { hours })];
  if (rest) parts.push(_("%(minutes)s min", { minutes: rest }));
  return parts.join(" ");
}

/** A position in a recording, or its length so far: 0:07, 1:02:05. */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** The seconds of such a position, with colons as Chinese keyboards write them too. */
export function secondsOf(text) {
  return text.split(/[:：]/).reduce((all, part) => all * 60 + (Number(part) || 0), 0);
}
