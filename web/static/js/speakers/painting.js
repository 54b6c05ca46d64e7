import { rowsOf } from "../transcript/rows.js";
import { lookOf } from "./look.js";

/**
 * Show in the transcript who speaks each sentence, and the name where somebody begins. Tells by
 * `transcript:painted` of which that is another than before.
 */
export function paint(list, { speakers, of_sentences: numbers }) {
  const names = new Map(speakers.map((one) => [one.number, one.name]));
  let before = null;
  const changed = [];
  rowsOf(list).forEach((row) => {
    const n = Number(row.dataset.n);
    const number = numbers[n] ?? null;
    const name = number === null ? null : (names.get(number) ?? "");
    const isAnother = Number(row.dataset.who ?? 0) !== (number ?? 0);
    if (isAnother) recolour(row, number);
    if (isAnother || (row.dataset.speaker ?? null) !== name) changed.push(n);
    if (name === null) delete row.dataset.speaker;
    else row.dataset.speaker = name;
    label(row, name !== before ? name : null);
    before = name;
  });
  list.classList.toggle("of-speakers", speakers.length > 0);
  list.dispatchEvent(new CustomEvent("transcript:painted", { detail: { n: changed } }));
}

function recolour(row, number) {
  if (row.dataset.who) row.classList.remove(...lookOf(Number(row.dataset.who)));
  if (number === null) {
    delete row.dataset.who;
  } else {
    row.dataset.who = number;
    row.classList.add(...lookOf(number));
  }
}

function label(row, name) {
  const shown = row.querySelector(":scope > .speaker:not(.again)");
  if (!name) return shown?.remove();
  if (shown) {
    if (shown.textContent !== name) shown.textContent = name;
    return null;
  }
  const made = document.createElement("span");
  made.className = "speaker";
  made.textContent = name;
  return row.querySelector(":scope > .at").after(made);
}
