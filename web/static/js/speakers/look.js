import { language } from "../page/i18n.js";

const HUES = 8;
const MARKS = 4;

/** The classes of a speaker's colour and mark, as the server gives them too. */
export function lookOf(number) {
  const turn = Math.floor((number - 1) / HUES);
  return [`hue-${((number - 1) % HUES) + 1}`, `mark-${(turn % MARKS) + 1}`];
}

const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });

export const shareText = (share) => percent.format(share);
