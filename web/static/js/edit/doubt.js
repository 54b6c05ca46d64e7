import { besideRow, isShown } from "../transcript/rows.js";

/** Runs of words of little certainty in a sentence's text, as [from, to], in order. */
function runs(words, text) {
  const found = [];
  for (const { from, to, start } of words.filter((word) => word.doubtful)) {
    const last = found.at(-1);
    // Two that stand side by side are one mistake, most often.
    if (last && /^\s*$/.test(text.slice(last.to, from))) last.to = to;
    else found.push({ from, to, start });
  }
  return found;
}

/** The last run of doubtful words that is said between two times; undefined where there is none. */
export function doubtfulNear(words, text, from, to) {
  return runs(words, text).findLast((run) => from <= run.start && run.start <= to);
}

/**
 * The next run of doubtful words before or behind a place, as {row, from, to, start}; null where there
 * is none. `textOf` gives the text that a row has now.
 */
export function nextDoubtful({ row, from }, by, words, textOf) {
  for (let at = row; at; at = besideRow(at, by)) {
    const n = Number(at.dataset.n);
    if (!words.hasDoubtful(n) || !isShown(at)) continue;
    const text = textOf(at);
    let found = runs(words.within(n, text), text);
    if (at === row) found = found.filter((run) => (by > 0 ? run.from >= from : run.to <= from));
    const run = by > 0 ? found[0] : found.at(-1);
    if (run) return { row: at, ...run };
  }
  return null;
}
