import { _, language } from "../page/i18n.js";

const OVER = ["completed", "failed", "cancelled"];

/**
 * Let the line that says that a job waits lead to its transcript once that is there, and go where
 * there will be none: the list says why.
 */
export function followLine(told, list) {
  if (!told) return;
  const id = told.dataset.waitsFor;
  let was = null;

  function follow() {
    const row = list.querySelector(`.job[data-key="${id}"]`);
    const isGone = was !== null && !row; // deleted
    was = row?.dataset.status ?? was;
    if (!isGone && !OVER.includes(was)) return;
    list.removeEventListener("live:shown", follow);
    if (isGone || was !== "completed") return told.closest(".flash").remove();
    const link = document.createElement("a");
    link.href = row.querySelector("a.name").href;
    link.textContent = _("Open the transcript");
    // Chinese sentences stand without a space between them.
    const gap = language.startsWith("zh") ? "" : " ";
    told.replaceChildren(_("The sample meeting is transcribed."), gap, link);
  }

  list.addEventListener("live:shown", follow);
  follow();
}
