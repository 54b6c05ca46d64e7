import { textOf } from "../edit/sentence.js";
import { keep, kept } from "../browser/storage.js";
import { besideRow, rowsOf } from "./rows.js";

const REMEMBERED = "longscribe.reading-as";
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g;
const LETTER = /[\p{L}\p{N}]/u;
const ENDS_SPACED = /[\p{Script=Latin}\p{N}.,?!;:)"'”’…]/u;
const BEGINS_SPACED = /[\p{Script=Latin}\p{Script=Hangul}\p{N}("'“‘]/u;

/**
 * Lets the transcript be read as paragraphs, each of one speaker, by a switch that is remembered. The
 * sentences stay the same elements: they are put into paragraphs, and taken out again.
 */
export function readAsParagraphs(list) {
  const choice = document.querySelector("[data-as-paragraphs]");
  if (list && choice) new Paragraphs(list, choice);
}

class Paragraphs {
  constructor(list, choice) {
    this.list = list;
    this.buttons = [...choice.querySelectorAll("button")];
    this.rule = JSON.parse(choice.dataset.asParagraphs);
    this.on = kept(REMEMBERED) === "paragraphs";
    for (const button of this.buttons) button.addEventListener("click", () => this.choose(button.value));
    this.changed = new Set(); // numbers of sentences that may belong elsewhere
    for (const event of ["transcript:painted", "transcript:marked", "transcript:restructured"]) {
      list.addEventListener(event, ({ detail }) => {
        for (const n of detail.n) this.changed.add(n);
        if (detail.n.length) this.arrangeSoon();
      });
    }
    list.addEventListener("transcript:numbered", ({ detail: { from, n } }) => {
      if (this.changed.delete(from)) this.changed.add(n);
    });
    list.addEventListener("transcript:edited", () => this.isLate && this.arrangeChanged());
    this.show();
  }

  choose(as) {
    const place = placeInView(this.list);
    this.on = as === "paragraphs";
    keep(REMEMBERED, as);
    this.show();
    if (place) stayAt(place);
  }

  show() {
    for (const button of this.buttons) {
      button.setAttribute("aria-pressed", String((button.value === "paragraphs") === this.on));
    }
    this.list.classList.toggle("as-paragraphs", this.on);
    keepingFocus(this.list, () => (this.on ? this.arrange() : this.flatten()));
  }

  /**
   * Once for all that a key changes, and not while a sentence is open: a field that is moved loses what
   * an input method has in it. What splits and joins opens the next sentence before this.
   */
  arrangeSoon() {
    if (!this.on) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      if (!this.on) return;
      this.isLate = Boolean(this.list.querySelector(".editing"));
      if (!this.isLate) this.arrangeChanged();
    });
  }

  /** Put sentences that were changed, and those around them, into paragraphs. */
  arrangeChanged() {
    this.isLate = false;
    keepingFocus(this.list, () => {
      this.arrangeAround();
      // What was joined over removed sentences leaves one beyond those that were arranged.
      for (const paragraph of [...this.list.children]) if (!paragraph.querySelector("li")) paragraph.remove();
    });
  }

  arrangeAround() {
    const rows = [...this.changed].map((n) => document.getElementById(`s${n}`)).filter(Boolean);
    const first = rows.length && rows.reduce((one, other) => (precedes(other, one) ? other : one));
    const paragraph = first && first.closest(".paragraph");
    if (!paragraph) return this.arrange();
    const before = besideRow(paragraph.querySelector("li"), -1); // it may go on with what was changed
    return this.arrange(before?.closest(".paragraph") ?? paragraph, new Set(rows));
  }

  /**
   * Put the sentences into paragraphs; with `begin`, those from this paragraph on until all of `changed`
   * are placed and the rest is as it was. What stands where it belongs is not touched.
   */
  arrange(begin = null, changed = new Set()) {
    this.changed.clear();
    const used = new Set();
    const { groups, rest } = this.groups((begin ?? this.list).querySelector("li[data-n]"), begin && changed);
    let last = begin && begin.previousElementSibling;
    for (const rows of groups) {
      let paragraph = rows[0].closest(".paragraph");
      if (!paragraph || used.has(paragraph)) paragraph = emptyParagraph();
      used.add(paragraph);
      fill(paragraph, rows);
      const place = last ? last.nextSibling : this.list.firstChild;
      if (place !== paragraph) this.list.insertBefore(paragraph, place);
      last = paragraph;
    }
    while (last && last.nextElementSibling !== rest) last.nextElementSibling.remove();
  }

  flatten() {
    if (!this.list.querySelector(".paragraph")) return;
    for (const again of this.list.querySelectorAll(".speaker.again")) again.remove();
    this.list.replaceChildren(...rowsOf(this.list));
  }

  /**
   * The sentences of each paragraph from `row` on; with `changed`, until all of these are placed and a
   * sentence begins a paragraph where it does already. That one is `rest`, or null at the end.
   */
  groups(row, changed = null) {
    const left = new Set(changed);
    const groups = [];
    let length = 0;
    let before = null;
    for (let at = row; at; at = besideRow(at, 1)) {
      if (!before || this.parts(before, at, length)) {
        const isAsBefore = before && !left.size && !at.previousElementSibling;
        if (changed && isAsBefore) return { groups, rest: at.closest(".paragraph") };
        groups.push([]);
        length = 0;
      }
      left.delete(at);
      groups.at(-1).push(at);
      length += cells(textOf(at));
      before = at;
    }
    return { groups, rest: null };
  }

  /** Whether a paragraph of so many cells ends between two sentences, as it does in exported files. */
  parts(before, row, length) {
    const { topic_pause_s: topic, pause_s: short, min_cells: least, max_cells: most } = this.rule;
    const pause = Number(row.dataset.start) - Number(before.dataset.end);
    return (
      before.dataset.who !== row.dataset.who ||
      Boolean(row.querySelector(":scope > .chapter-title")) ||
      pause >= topic ||
      length >= most ||
      (length >= least && pause >= short)
    );
  }
}

/** Whether a sentence stands before another. */
const precedes = (one, other) => Boolean(one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);

function emptyParagraph() {
  const paragraph = document.createElement("li");
  paragraph.append(document.createElement("ol"));
  return paragraph;
}

function fill(paragraph, rows) {
  const [first] = rows;
  const body = paragraph.firstElementChild;
  const parts = rows.flatMap((row, at) => (at && needsSpace(rows[at - 1], row) ? [" ", row] : [row]));
  const now = body.childNodes;
  const isThere = (part, node) => part === node || (part === " " && node.nodeType === Node.TEXT_NODE);
  const isSame = now.length === parts.length && parts.every((part, at) => isThere(part, now[at]));
  if (!isSame) body.replaceChildren(...parts);
  const looks = [...first.classList].filter((name) => /^(hue|mark)-/.test(name));
  const together = rows.some((row) => row.classList.contains("together")) ? ["together"] : [];
  paragraph.className = ["paragraph", ...looks, ...together].join(" ");
  if (first.dataset.who) paragraph.dataset.who = first.dataset.who;
  else delete paragraph.dataset.who;
  name(first, body);
}

/** Each paragraph begins with its speaker, also where the one before was of the same. */
function name(first, body) {
  for (const again of body.querySelectorAll(".speaker.again")) again.remove();
  const { speaker } = first.dataset;
  if (!speaker || first.querySelector(":scope > .speaker")) return;
  const made = document.createElement("span");
  made.className = "speaker again";
  made.textContent = speaker;
  first.querySelector(":scope > .at").after(made);
}

function needsSpace(before, row) {
  const [last, next] = [textOf(before).slice(-1), textOf(row).slice(0, 1)];
  return LETTER.test(last) || (ENDS_SPACED.test(last) && BEGINS_SPACED.test(next));
}

/** How wide a text is: a Chinese character takes two cells, a letter one. */
const cells = (text) => text.length + (text.match(WIDE)?.length ?? 0);

/** Do what moves elements, and give the focus back to the one that had it. */
function keepingFocus(list, act) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  act();
  if (focused && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

/** The first sentence in view and where; null where the transcript begins below what is in view. */
function placeInView(list) {
  const top = Math.max(0, document.querySelector(".player")?.getBoundingClientRect().bottom ?? 0);
  if (list.getBoundingClientRect().top >= top) return null;
  const box = [...list.children].find((one) => one.getBoundingClientRect().bottom > top);
  const rows = box?.matches(".paragraph") ? rowsOf(box) : [box].filter(Boolean);
  const row = rows.find((one) => one.getBoundingClientRect().bottom > top);
  return row && { row, top: row.getBoundingClientRect().top };
}

/** Scroll a sentence back to where it was, also once what is about it has its height. */
function stayAt({ row, top }, tries = 4) {
  scrollBy({ top: row.getBoundingClientRect().top - top, behavior: "instant" });
  if (tries > 1) requestAnimationFrame(() => stayAt({ row, top }, tries - 1));
}
