import { supported } from "./highlights.js";
import { whenIdle } from "./quiet.js";
import { rangeIn } from "./sentences.js";

const AT_ONCE = 40;

/** Marks the words that were recognised with little certainty, where the page says that there are any. */
export class Doubtful {
  constructor(words, sentences) {
    this.words = words;
    this.sentences = sentences;
    this.ranges = new Map();
    this.legend = document.getElementById("doubtful-words");
    this.areThere = Boolean(this.legend);
    if (!supported) this.legend?.remove();
    if (!this.legend || !supported) return;
    // Below every other mark: what is spoken or found matters more at that moment.
    this.highlight = new Highlight();
    this.highlight.priority = -1;
    CSS.highlights.set("doubtful", this.highlight);
    whenIdle(() => this.begin());
  }

  async begin() {
    await this.words.load();
    this.from(0);
  }

  /** Some sentences at a time: a transcript of hours has thousands of words to mark. */
  from(place) {
    const end = place + AT_ONCE;
    for (const n of this.sentences.numbers.slice(place, end)) this.mark(n);
    if (this.ranges.size) this.legend.classList.remove("waits");
    if (end < this.sentences.numbers.length) whenIdle(() => this.from(end));
    else if (!this.ranges.size) this.legend.hidden = true;
  }

  mark(n) {
    this.unmark(n);
    const paragraph = this.sentences.paragraph(n);
    const places = paragraph ? this.words.doubtful(n) : [];
    const ranges = places.map(({ from, to }) => rangeIn(paragraph, from, to)).filter(Boolean);
    if (!ranges.length) return;
    for (const range of ranges) this.highlight.add(range);
    this.ranges.set(n, ranges);
  }

  unmark(n) {
    for (const range of this.ranges.get(n) ?? []) this.highlight.delete(range);
    this.ranges.delete(n);
  }

  /** A sentence has another number from now on. */
  rename(from, n) {
    const ranges = this.ranges.get(from);
    if (!ranges) return;
    this.ranges.delete(from);
    this.ranges.set(n, ranges);
  }

  /** A sentence has other words of those that are known, until they are fetched anew. */
  moved(n) {
    if (!this.highlight) return;
    this.mark(n);
    this.words.whenFetched(() => this.mark(n));
  }

  /** A sentence's text has changed; its words are fetched anew a little later. */
  changed(n) {
    if (!this.highlight) return;
    this.unmark(n);
    this.words.whenFetched(() => this.mark(n));
  }
}
