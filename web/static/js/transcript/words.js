import { placesOf } from "./align.js";

const WAIT_MS = 2000;

/** When each word is spoken, and where it stands. Fetched when it is first needed. */
export class Words {
  constructor(address, sentences) {
    this.address = address;
    this.sentences = sentences;
    this.spoken = null;
    this.known = new Map();
    this.waiting = [];
  }

  /** Resolves once the times are there; without them, or an address of them, whole sentences have to do. */
  load() {
    if (!this.address) return Promise.resolve();
    this.loading ??= this.fetch();
    return this.loading;
  }

  async fetch() {
    try {
      const answer = await fetch(this.address);
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      this.spoken = (await answer.json()).sentences;
      this.known.clear();
      for (const then of this.waiting.splice(0)) then();
    } catch {
      this.loading = null; // tried again when it is next needed
    }
  }

  /** Fetch the words again a little later, since the text of a sentence has changed. */
  forget(n) {
    this.known.delete(n);
    clearTimeout(this.timer);
    if (this.spoken) this.timer = setTimeout(() => (this.loading = this.fetch()), WAIT_MS);
  }

  /** Fetch the words again, since sentences have other times or are new. */
  refresh() {
    clearTimeout(this.timer);
    this.known.clear();
    if (this.spoken) this.loading = this.fetch();
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
    const spoken = this.spoken?.[n];
    return spoken ? this.placed(spoken, text) : [];
  }

  hasDoubtful(n) {
    return Boolean(this.spoken?.[n]?.doubtful.length);
  }

  /** Of a sentence: the words that stand in its text, as {from, to, start, end}, in order. */
  of(n) {
    const spoken = this.spoken?.[n];
    if (!spoken) return [];
    let words = this.known.get(n);
    if (!words) this.known.set(n, (words = this.placed(spoken, this.sentences.text(n))));
    return words;
  }

  placed({ start, words, times, doubtful }, text) {
    const places = placesOf(words, text);
    const placed = [];
    let at = Math.round(start * 100);
    places.forEach((place, index) => {
      const begin = at + times[2 * index];
      at = begin + times[2 * index + 1];
      if (!place) return;
      const [from, to] = place;
      const isDoubtful = doubtful.includes(index);
      placed.push({ from, to, start: begin / 100, end: at / 100, doubtful: isDoubtful });
    });
    return placed;
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
