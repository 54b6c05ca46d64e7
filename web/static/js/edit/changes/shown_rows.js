// Sentences as the page shows them, when some are split, joined or moved.
import { clock } from "../../page/quantities.js";
import { rowsOf } from "../../transcript/rows.js";
import * as sentence from "../sentence.js";

/** Shows states of sentences, as {row, text, start, end}, and keeps the rows that are part of another. */
export class ShownRows {
  constructor(editing) {
    this.editing = editing;
    this.gone = new Map(); // rows of sentences that are part of another, by their numbers
    this.given = sentence.UNNUMBERED + Math.floor(2 ** 20 * Math.random()); // another tab's are others
  }

  /** The row of a sentence, in the page or not; undefined of none. */
  rowOf(n) {
    return sentence.rowOf(n) ?? this.gone.get(n);
  }

  /** A row for what is split off another, under a number of its own until the server gives it one. */
  newRow(model, start, end) {
    const row = sentence.rowLike(model, { n: this.given, start, end });
    this.given += 1;
    return row;
  }

  show(states) {
    for (const one of states) {
      showTimes(one.row, one);
      sentence.showText(one.row, one.text);
      this.place(one.row, one.isGone ?? isPart(one, states));
    }
    this.tell(states.map(({ row }) => sentence.numberOf(row)));
  }

  /**
   * Show sentences as the server has them, in the order of `rows`. Of those that `isChanged` again since
   * only their revision.
   */
  showSaved(rows, saved, isChanged = () => false) {
    const other = [];
    rows.forEach((row, at) => {
      const one = saved[at];
      this.number(row, one.n);
      if (isChanged(row)) {
        sentence.showState(row, one);
        return;
      }
      const wasShown = row.isConnected;
      const isAnother = [showTimes(row, one), sentence.showText(row, one.text)].includes(true);
      sentence.showState(row, one);
      this.place(row, isPart(one, saved));
      if (isAnother || row.isConnected !== wasShown) other.push(one.n);
    });
    if (other.length) this.tell(other);
    else this.editing.filters.count();
  }

  tell(numbers) {
    this.editing.filters.count();
    this.editing.event("transcript:restructured", numbers);
  }

  /** Give a sentence the number that the server has for it. */
  number(row, n) {
    const from = sentence.numberOf(row);
    if (from === n) return;
    row.id = `s${n}`;
    row.dataset.n = n;
    row.querySelector(".at").href = `#s${n}`;
    if (this.gone.delete(from)) this.gone.set(n, row);
    this.editing.saving.rename(from, n);
    this.editing.list.dispatchEvent(new CustomEvent("transcript:numbered", { detail: { from, n } }));
  }

  /** Put a row where its time is, or away if the sentence became part of another. */
  place(row, isGone) {
    const n = sentence.numberOf(row);
    if (isGone) {
      row.remove();
      this.gone.set(n, row);
    } else if (!row.isConnected) {
      this.gone.delete(n);
      const rows = rowsOf(this.editing.list);
      const next = rows[placeAfter(rows, Number(row.dataset.start))];
      if (next) next.before(row);
      else rows.at(-1).after(row);
    }
  }
}

/** How many of the rows, which are in order, start at a time or before. */
function placeAfter(rows, start) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Number(rows[middle].dataset.start) <= start) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Show when a sentence starts and ends. Returns whether it is another time than before. */
function showTimes(row, { start, end }) {
  if (Number(row.dataset.start) === start && Number(row.dataset.end) === end) return false;
  row.dataset.start = start;
  row.dataset.end = end;
  const at = row.querySelector(".at");
  const shown = clock(start);
  if (at.textContent !== shown) at.textContent = shown;
  return true;
}

/** Whether nothing is left of a sentence that belongs to another now. */
function isPart(one, states) {
  if (one.text) return false;
  const holds = (other) => other.text && other.start <= one.start && one.end <= other.end;
  return (one.origin ?? null) !== null || states.some(holds);
}
