import { _ } from "../page/i18n.js";

/** The sentences of this page as its document holds them. */
export const list = () => document.getElementById("sentences");

export const rowOf = (n) => list()?.querySelector(`li[data-n="${n}"]`);

export const rowAround = (node) => node?.closest?.("#sentences > li") ?? null;

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
