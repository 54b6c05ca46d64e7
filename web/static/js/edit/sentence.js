import { _ } from "../page/i18n.js";
import { besideRow, isShown } from "../transcript/rows.js";

export { rowAround } from "../transcript/rows.js";

/** The sentences of this page as its document holds them. */
export const list = () => document.getElementById("sentences");

export const rowOf = (n) => document.getElementById(`s${n}`); // by the id, which needs no search

export const numberOf = (row) => Number(row.dataset.n);

export const timeOf = (row) => row.querySelector(".at").textContent.trim();

export const textOf = (row) => row.querySelector(".text").textContent.trim();

export const revisionOf = (row) => Number(row.dataset.revision ?? 0);

/** The first number of those that a page gives until the server does: beyond all of the server's. */
export const UNNUMBERED = 2 ** 31;

/** Whether a sentence was split off on this page, and the server has no number for it yet. */
export const isNew = (row) => numberOf(row) >= UNNUMBERED;

/** A sentence as the page has it: what is sent to come back to it. */
export function stateOf(row) {
  return { row, text: textOf(row), start: Number(row.dataset.start), end: Number(row.dataset.end) };
}

/** Show `text`, which the server may not have yet. Returns whether it is another than before. */
export function showText(row, text) {
  const shown = row.querySelector(".text");
  const isAnother = shown.textContent.trim() !== text;
  if (isAnother) shown.textContent = text; // not the same anew: marks on its words would go
  const was = row.classList.contains("removed");
  row.classList.toggle("removed", text === "");
  if (text === "") shown.title = _("Removed");
  else if (was) shown.removeAttribute("title");
  return isAnother;
}

/** Show how the sentence stands on the server. */
export function showState(row, { text, revision, corrected, rule }) {
  row.dataset.revision = revision;
  row.classList.toggle("corrected", corrected);
  row.classList.toggle("by-rule", Boolean(rule));
  const shown = row.querySelector(".text");
  if (!corrected) shown.removeAttribute("title");
  else if (text === "") shown.title = _("Removed");
  else if (rule === "numbers") shown.title = _("Numbers written in digits");
  else shown.title = rule ? _("Written as the lists of words say") : _("Corrected");
}

export function showSaved(row, saved) {
  showText(row, saved.text);
  showState(row, saved);
}

/** A row for a sentence that is new, with the speaker of another. */
export function rowLike(model, { n, start, end }) {
  const row = model.cloneNode(false);
  row.id = `s${n}`;
  row.classList.remove("now", "editing", "corrected", "by-rule", "removed", "after-pause", "here");
  for (const name of ["keep", "revision"]) delete row.dataset[name];
  Object.assign(row.dataset, { n, start, end });
  const at = model.querySelector(".at").cloneNode();
  at.href = `#s${n}`;
  const text = document.createElement("p");
  text.className = "text";
  row.append(at, text);
  return row;
}

/** The next row in a direction that is shown and has text. */
export function neighbour(row, by) {
  let at = besideRow(row, by);
  while (at && (!textOf(at) || !isShown(at))) at = besideRow(at, by);
  return at;
}

/** The next row in a direction that has text, also where a filter leaves it out of what is shown. */
export function beside(row, by) {
  let at = besideRow(row, by);
  while (at && !textOf(at)) at = besideRow(at, by);
  return at;
}

/** What is selected of a paragraph, as [from, to] in its trimmed text; null for nothing. */
export function selectedIn(paragraph) {
  const selection = getSelection();
  if (selection.isCollapsed || !selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  if (!paragraph.contains(range.startContainer)) return null;
  const before = document.createRange();
  before.selectNodeContents(paragraph);
  before.setEnd(range.startContainer, range.startOffset);
  const shown = paragraph.textContent;
  const lead = shown.length - shown.trimStart().length;
  const from = Math.max(0, before.toString().length - lead);
  const chosen = range.toString().trimEnd(); // some systems select the space behind a word too
  return [from, Math.min(from + chosen.length, shown.trim().length)];
}
