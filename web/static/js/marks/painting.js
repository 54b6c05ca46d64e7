import { _ } from "../page/i18n.js";
import { rowsOf } from "../transcript/rows.js";

/** Put chapters and other marks before the sentences that they belong to, in place of those before. */
export function paintMarks(list, marks, kinds) {
  if (!list) return;
  for (const old of list.querySelectorAll(".chapter-title, .place-mark")) old.remove();
  const items = rowsOf(list);
  for (const mark of [...marks].reverse()) {
    // The sentence that is being said then is the first of it.
    const item = items.find((one) => Number(one.dataset.end) > mark.at + 0.0005) ?? items.at(-1);
    if (!item) break;
    const isChapter = mark.kind === "chapter";
    const made = document.createElement(isChapter ? "h3" : "span");
    made.className = isChapter ? "chapter-title" : "place-mark";
    made.id = `mark-${mark.id}`;
    const kind = kinds.get(mark.kind);
    const named = mark.text ? _("%(kind)s: %(text)s", { kind, text: mark.text }) : kind;
    made.textContent = isChapter ? mark.text : named;
    item.prepend(made);
  }
  list.dispatchEvent(new Event("transcript:marked"));
}
