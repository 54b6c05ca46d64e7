import { besideRow, rowAround, rowsOf } from "./rows.js";

const FEW = 50;

/** The transcript's sentences as they stand in the page, by their numbers and by their time. */
export class Sentences {
  constructor(list) {
    this.list = list;
    this.refresh();
  }

  /** Read the page anew. */
  refresh() {
    const rows = rowsOf(this.list);
    this.numbers = rows.map((row) => Number(row.dataset.n)); // in the order of the page
    this.starts = rows.map((row) => Number(row.dataset.start));
    this.items = new Map(rows.map((row, place) => [this.numbers[place], row]));
  }

  /** These sentences were split, joined or moved. */
  restructured(numbers) {
    if (numbers.length > FEW) {
      this.refresh();
      return;
    }
    for (const n of numbers) {
      if (!this.items.delete(n)) continue;
      const place = this.numbers.indexOf(n);
      this.numbers.splice(place, 1);
      this.starts.splice(place, 1);
    }
    const rows = numbers.map((n) => document.getElementById(`s${n}`)).filter(Boolean);
    for (const row of rows.sort(inOrder)) this.insert(row);
  }

  /** Take in a row; the one before it is in already. */
  insert(row) {
    const n = Number(row.dataset.n);
    const before = besideRow(row, -1);
    const place = before ? this.numbers.indexOf(Number(before.dataset.n)) + 1 : 0;
    this.numbers.splice(place, 0, n);
    this.starts.splice(place, 0, Number(row.dataset.start));
    this.items.set(n, row);
  }

  /** A sentence has another number from now on. */
  rename(from, n) {
    const row = this.items.get(from);
    if (!row) return;
    this.numbers[this.numbers.indexOf(from)] = n;
    this.items.delete(from);
    this.items.set(n, row);
  }

  item(n) {
    return this.items.get(n);
  }

  /** The paragraph of a sentence, or null while something else stands there, an editor for instance. */
  paragraph(n) {
    return this.items.get(n)?.querySelector("p.text") ?? null;
  }

  text(n) {
    return this.paragraph(n)?.textContent ?? "";
  }

  start(n) {
    return Number(this.items.get(n).dataset.start);
  }

  /** The number of the sentence that is spoken at `time`, or was last; -1 before the first. */
  at(time) {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return this.numbers[low - 1] ?? -1;
  }

  /** Until when somebody spoke at `time` or before, and when somebody speaks again, or null. */
  around(time) {
    const n = this.at(time);
    const place = n < 0 ? -1 : this.numbers.indexOf(n);
    const next = this.starts[place + 1] ?? null;
    return { spokenUntil: n < 0 ? 0 : Number(this.items.get(n).dataset.end), next };
  }

  /** The number of the sentence that `node` stands in; -1 outside of all. */
  of(node) {
    const item = rowAround(node?.parentElement);
    return item ? Number(item.dataset.n) : -1;
  }
}

/** Compares two rows by where they stand in the page. */
const inOrder = (one, other) =>
  one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1;

/** The characters `from` to `to` of an element's text. */
export function rangeIn(element, from, to) {
  const range = document.createRange();
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let before = 0;
  let begun = false;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const length = node.data.length;
    if (!begun && from < before + length) {
      range.setStart(node, from - before);
      begun = true;
    }
    if (begun && to <= before + length) {
      range.setEnd(node, to - before);
      return range;
    }
    before += length;
  }
  return null;
}

/** How many characters of an element's text stand before a place in one of its text nodes. */
export function offsetIn(element, node, offset) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let before = 0;
  for (let each = walker.nextNode(); each; each = walker.nextNode()) {
    if (each === node) return before + offset;
    before += each.data.length;
  }
  return -1;
}
