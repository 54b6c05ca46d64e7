import { placesOf } from "./align.js";
import { Quiet } from "./quiet.js";

const WAIT_MS = 2000;
const NONE = { start: 0, words: [], times: [], doubtful: [] };

/** The words of a sentence as the server tells them, with their times in hundredths of a second. */
function timed({ start, words, times, doubtful } = NONE) {
  let at = Math.round(start * 100);
  return words.map((word, index) => {
    const begin = at + times[2 * index];
    at = begin + times[2 * index + 1];
    return { word, start: begin, end: at, doubtful: doubtful.includes(index) };
  });
}

/** Such words as the server would tell them of a sentence that starts then. */
function encoded(start, said) {
  const times = [];
  let before = Math.round(start * 100);
  for (const { start: begin, end } of said) {
    times.push(begin - before, end - begin);
    before = end;
  }
  const doubtful = said.flatMap((one, index) => (one.doubtful ? [index] : []));
  return { start, words: said.map(({ word }) => word), times, doubtful };
}

/** When each word is spoken, and where it stands. Fetched when it is first needed. */
export class Words {
  constructor(address, sentences) {
    this.address = address;
    this.sentences = sentences;
    this.spoken = null;
    this.known = new Map();
    this.waiting = [];
    this.again = new Quiet(() => (this.loading = this.fetch()), WAIT_MS);
  }

  /** Whether nothing is to be waited for: there are times, or there is no address of them. */
  get areKnown() {
    return !this.address || this.spoken !== null;
  }

  /**
   * Resolves once there are times, which may be fetched anew meanwhile; without them, or an address of
   * them, whole sentences have to do.
   */
  load() {
    if (this.areKnown) return Promise.resolve();
    this.loading ??= this.fetch();
    return this.loading;
  }

  async fetch() {
    try {
      const answer = await fetch(this.address);
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      this.spoken = new Map((await answer.json()).sentences.map((one) => [one.n, one]));
      this.known.clear();
      for (const then of this.waiting.splice(0)) then();
    } catch {
      this.loading = null; // tried again when it is next needed
    }
  }

  /** Fetch the words again a little later, since the text of a sentence has changed. */
  forget(n) {
    this.known.delete(n);
    this.refreshSoon();
  }

  /** All of them, which takes the server some time: not between two keys of somebody who corrects. */
  refreshSoon() {
    if (this.spoken) this.again.soon();
  }

  /** A sentence has another number from now on. */
  rename(from, n) {
    for (const words of [this.spoken, this.known]) {
      if (!words?.has(from)) continue;
      words.set(n, words.get(from));
      words.delete(from);
    }
    this.refreshSoon();
  }

  /**
   * Give the words of sentences that were split, joined or moved to those in whose time they are said,
   * for as long as they are not fetched again.
   */
  divide(numbers) {
    if (!this.spoken) return;
    const said = numbers.flatMap((n) => timed(this.spoken.get(n))).sort((one, other) => one.start - other.start);
    const spans = numbers
      .map((n) => ({ n, row: this.sentences.item(n), said: [] }))
      .filter(({ row }) => row)
      .map((one) => ({ ...one, start: Number(one.row.dataset.start), end: Number(one.row.dataset.end) }));
    for (const word of said) {
      const middle = (word.start + word.end) / 200;
      const away = ({ start, end }) => Math.max(start - middle, middle - end, 0);
      spans.reduce((best, one) => (away(one) < away(best) ? one : best), spans[0])?.said.push(word);
    }
    for (const n of numbers) {
      this.spoken.set(n, NONE);
      this.known.delete(n);
    }
    for (const { n, start, said: own } of spans) this.spoken.set(n, encoded(start, own));
    this.refreshSoon();
  }

  /** Call `then` once, after the times were fetched the next time. */
  whenFetched(then) {
    this.waiting.push(then);
  }

  /** Of a sentence: the words that were recognised with little certainty, as {from, to}. */
  doubtful(n) {
    return this.hasDoubtful(n) ? this.of(n).filter((word) => word.doubtful) : [];
  }

  /** Of a sentence of which `text` was made: its words as `of` gives them, by their place in that. */
  within(n, text) {
    const spoken = this.spoken?.get(n);
    return spoken ? this.placed(spoken, text) : [];
  }

  hasDoubtful(n) {
    return Boolean(this.spoken?.get(n)?.doubtful.length);
  }

  /** Of a sentence: the words that stand in its text, as {from, to, start, end}, in order. */
  of(n) {
    const spoken = this.spoken?.get(n);
    if (!spoken) return [];
    let words = this.known.get(n);
    if (!words) this.known.set(n, (words = this.placed(spoken, this.sentences.text(n))));
    return words;
  }

  placed(spoken, text) {
    const places = placesOf(spoken.words, text);
    return timed(spoken).flatMap(({ start, end, doubtful }, index) => {
      if (!places[index]) return [];
      const [from, to] = places[index];
      return [{ from, to, start: start / 100, end: end / 100, doubtful }];
    });
  }

  /** The word of a sentence that is spoken at `time`, or was last within it; null before the first. */
  spokenAt(n, time) {
    const words = this.of(n);
    let found = null;
    for (const word of words) {
      if (word.start > time) break;
      found = word;
    }
    return found;
  }

  /** The word that stands at a character of a sentence, or last before it. */
  wordAtCharacter(n, offset) {
    const words = this.of(n);
    let found = words[0] ?? null;
    for (const word of words) {
      if (word.from > offset) break;
      found = word;
    }
    return found;
  }
}
