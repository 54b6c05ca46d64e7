import { _ } from "../page/i18n.js";
import { rowsOf } from "../transcript/rows.js";

/**
 * Put chapters and other marks before the sentences that they belong to, in place of those before; the
 * title of a chapter above what else is marked where it begins. Tells by `transcript:marked` at which
 * sentences a chapter begins or does not any more.
 */
export function paintMarks(list, marks, kinds) {
  if (!list) return;
  const shown = list.querySelectorAll(".chapter-title, .place-mark");
  if (!marks.length && !shown.length) return;
  const had = new Set(rowsWithTitle(list));
  for (const old of shown) old.remove();
  const items = marks.length ? rowsOf(list) : [];
  const ends = items.map((item) => Number(item.dataset.end));
  const isTitle = (mark) => mark.kind === "chapter";
  const others = marks.filter((mark) => !isTitle(mark));
  for (const mark of [...marks.filter(isTitle), ...others].reverse()) {
    // The sentence that is being said then is the first of it.
    const place = ends.findIndex((end) => end > mark.at + 0.0005);
    const item = items.at(place);
    if (!item) break;
    const isChapter = isTitle(mark);
    const made = document.createElement(isChapter ? "h3" : "span");
    made.className = isChapter ? "chapter-title" : "place-mark";
    made.id = `mark-${mark.id}`;
    const kind = kinds.get(mark.kind);
    const more = [mark.who, mark.due].filter(Boolean).join(_(", "));
    const text = more ? _("%(text)s (%(more)s)", { text: mark.text, more }) : mark.text;
    const named = text ? _("%(kind)s: %(text)s", { kind, text }) : kind;
    made.textContent = isChapter ? mark.text : named;
    item.prepend(made);
  }
  const has = new Set(rowsWithTitle(list));
  const changed = [...had, ...has].filter((row) => had.has(row) !== has.has(row));
  const n = changed.map((row) => Number(row.dataset.n));
  list.dispatchEvent(new CustomEvent("transcript:marked", { detail: { n } }));
}

const rowsWithTitle = (list) => [...list.querySelectorAll(".chapter-title")].map((title) => title.parentElement);
