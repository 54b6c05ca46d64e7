import { textOf } from "../edit/sentence.js";
import { rowsOf } from "./rows.js";

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
    this.on = localStorage.getItem(REMEMBERED) === "paragraphs";
    for (const button of this.buttons) button.addEventListener("click", () => this.choose(button.value));
    for (const event of ["transcript:restructured", "transcript:painted", "transcript:marked"]) {
      list.addEventListener(event, () => this.arrangeSoon());
    }
    list.addEventListener("transcript:edited", () => this.isLate && this.arrangeSoon());
    this.show();
  }

  choose(as) {
    const place = placeInView(this.list);
    this.on = as === "paragraphs";
    localStorage.setItem(REMEMBERED, as);
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

  /** Not while a sentence is open: a field that is moved loses what an input method has in it. */
  arrangeSoon() {
    if (!this.on) return;
    this.isLate = Boolean(this.list.querySelector(".editing"));
    if (!this.isLate) keepingFocus(this.list, () => this.arrange());
  }

  /** Put the sentences into paragraphs. What stands where it belongs is not touched. */
  arrange() {
    const used = new Set();
    let last = null;
    for (const rows of this.groups()) {
      let paragraph = rows[0].closest(".paragraph");
      if (!paragraph || used.has(paragraph)) paragraph = emptyParagraph();
      used.add(paragraph);
      fill(paragraph, rows);
      const place = last ? last.nextSibling : this.list.firstChild;
      if (place !== paragraph) this.list.insertBefore(paragraph, place);
      last = paragraph;
    }
    for (const child of [...this.list.children]) if (!used.has(child)) child.remove();
  }

  flatten() {
    if (!this.list.querySelector(".paragraph")) return;
    for (const again of this.list.querySelectorAll(".speaker.again")) again.remove();
    this.list.replaceChildren(...rowsOf(this.list));
  }

  groups() {
    const groups = [];
    let length = 0;
    let before = null;
    for (const row of rowsOf(this.list)) {
      if (!before || this.parts(before, row, length)) {
        groups.push([]);
        length = 0;
      }
      groups.at(-1).push(row);
      length += cells(textOf(row));
      before = row;
    }
    return groups;
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
