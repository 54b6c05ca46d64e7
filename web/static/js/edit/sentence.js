import { _ } from "../page/i18n.js";
import { besideRow } from "../transcript/rows.js";

export { rowAround } from "../transcript/rows.js";

/** The sentences of this page as its document holds them. */
export const list = () => document.getElementById("sentences");

export const rowOf = (n) => document.getElementById(`s${n}`); // by the id, which needs no search

export const numberOf = (row) => Number(row.dataset.n);

export const timeOf = (row) => row.querySelector(".at").textContent.trim();

export const textOf = (row) => row.querySelector(".text").textContent.trim();

export const revisionOf = (row) => Number(row.dataset.revision ?? 0);

/** Show `text`, which the server may not have yet. */
export function showText(row, text) {
  const shown = row.querySelector(".text");
  shown.textContent = text;
  row.classList.toggle("removed", text === "");
  if (text === "") shown.title = _("Removed");
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
  while (at && (!at.getClientRects().length || !textOf(at))) at = besideRow(at, by);
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
