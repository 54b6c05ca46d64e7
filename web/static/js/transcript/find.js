import { isComposing } from "../page/focus.js";
import { _, ngettext } from "../page/i18n.js";
import { isStill } from "./follow.js";
import { mark } from "./highlights.js";
import { rangeIn } from "./sentences.js";

const WAIT_MS = 120;
/** Spaces, and characters without a width that come along with what is copied. */
const UNSEEN = /[\s\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/;
/** Letters of full width, and radicals that stand for characters in texts copied from PDF files. */
const OTHER_FORMS = /[\uff01-\uff5e\u2f00-\u2fd5]/;
/** Whether a character has one form alone, as nearly all do of the many in hours of Chinese. */
const isHan = (letter) => letter >= "\u3400" && letter <= "\u9fff";

/** Finds text in the sentences, whatever its case, width and spaces, and goes from place to place. */
export class Find {
  constructor(form, button, sentences, onGo) {
    this.form = form;
    this.button = button;
    this.field = form.querySelector("input");
    this.count = form.querySelector(".count");
    this.sentences = sentences;
    this.onGo = onGo;
    this.index = null;
    this.squeezed = new Map(); // texts without their spaces, by the numbers of sentences
    this.matches = [];
    this.at = -1;
    button.addEventListener("click", () => (form.hidden ? this.open() : this.close()));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.step(1);
    });
    form.querySelector("[data-do=previous]").addEventListener("click", () => this.step(-1));
    form.querySelector("[data-do=close-find]").addEventListener("click", () => this.close());
    this.field.addEventListener("input", (event) => {
      clearTimeout(this.timer);
      // The letters of a sound are no word yet, and to look for them would move the page.
      if (!event.isComposing) this.timer = setTimeout(() => this.search(), WAIT_MS);
    });
    this.field.addEventListener("compositionend", () => this.search());
    this.field.addEventListener("keydown", (event) => {
      if (isComposing(event)) return;
      if (event.key === "Escape") this.close();
      else if (event.key === "Enter") {
        event.preventDefault();
        this.step(event.shiftKey ? -1 : 1);
      } else return;
      event.stopPropagation();
    });
  }

  open() {
    this.form.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.field.focus();
    this.field.select();
    if (this.field.value) this.search();
  }

  /** Show all places of a text that somebody came for, and leave the focus where it is. */
  showAll(text) {
    this.form.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.field.value = text;
    this.search();
  }

  /** Who was in the search goes on at the sentence that was found, where Enter opens it. */
  close() {
    clearTimeout(this.timer);
    const wasIn = this.form.contains(document.activeElement);
    const found = this.at < 0 ? null : this.sentences.item(this.matches[this.at].n);
    this.form.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
    this.matches = [];
    this.show();
    if (wasIn) (found?.querySelector(".at") ?? this.button).focus({ preventScroll: true });
  }

  /** The match that is shown, or the first one; null where nothing is found. */
  current() {
    if (this.searched !== this.field.value) this.search();
    return this.matches[Math.max(0, this.at)] ?? null;
  }

  all() {
    if (this.searched !== this.field.value) this.search();
    return this.matches;
  }

  /** A match was written over: go to the next behind `from` of this sentence. */
  changed(n, from) {
    this.leaveOut([n]);
    this.matches = this.placesOf(wantedOf(this.searched));
    this.show();
    const { numbers } = this.sentences;
    const place = numbers.indexOf(n);
    const isBehind = (match) => {
      const at = numbers.indexOf(match.n);
      return at > place || (at === place && match.from >= from);
    };
    const next = this.matches.findIndex(isBehind);
    if (this.matches.length) this.go(Math.max(0, next));
  }

  /** The texts of sentences have changed. */
  leaveOut(numbers) {
    this.index = null;
    for (const n of numbers) this.squeezed.delete(n);
  }

  /** A sentence has another number from now on. */
  rename(from, n) {
    this.leaveOut([from]);
    for (const match of this.matches) if (match.n === from) match.n = n;
  }

  /** The texts of sentences have changed: everything is searched anew. */
  forget(numbers) {
    this.leaveOut(numbers);
    if (this.form.hidden) return;
    const { at } = this;
    this.matches = this.placesOf(wantedOf(this.searched ?? ""));
    this.show();
    this.at = Math.min(at, this.matches.length - 1); // where the reader is, and no step further
    this.tellCount();
  }

  /** Go to the next match, or the one before; the first is the first that is in view or below. */
  step(by) {
    clearTimeout(this.timer);
    if (this.searched !== this.field.value) this.search();
    else if (this.matches.length) {
      this.go((this.at + by + this.matches.length) % this.matches.length);
    }
  }

  search() {
    this.searched = this.field.value;
    this.matches = this.placesOf(wantedOf(this.searched));
    this.show();
    if (this.matches.length) this.go(this.firstBelow());
  }

  /** Every sentence on a line of its own, so that nothing is found across two. */
  build() {
    const texts = [];
    const begins = [];
    let length = 0;
    for (const n of this.sentences.numbers) {
      const squeezed = this.squeezed.get(n) ?? squeeze(this.sentences.text(n));
      this.squeezed.set(n, squeezed);
      begins.push(length);
      texts.push(squeezed);
      length += squeezed.text.length + 1;
    }
    const { numbers } = this.sentences;
    this.index = { text: texts.map((each) => each.text).join("\n"), texts, begins, numbers };
  }

  placesOf(wanted) {
    if (!wanted) return []; // it would be found everywhere, for ever
    if (!this.index) this.build();
    const { text, texts, begins, numbers } = this.index;
    const found = [];
    let place = 0;
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      while (place + 1 < begins.length && begins[place + 1] <= at) place += 1;
      const { places } = texts[place];
      const from = at - begins[place];
      found.push({ n: numbers[place], from: places[from], to: places[from + wanted.length - 1] + 1 });
    }
    return found;
  }

  firstBelow() {
    const top = Math.max(0, this.form.closest(".player").getBoundingClientRect().bottom);
    // Half and half again: asking each place where it is would lay the whole page out.
    let low = 0;
    let high = this.matches.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const place = this.sentences.item(this.matches[middle].n).getBoundingClientRect();
      if (place.bottom < top) low = middle + 1;
      else high = middle;
    }
    return low % this.matches.length;
  }

  go(at) {
    this.at = at;
    this.tellCount();
    const { n } = this.matches[at];
    const range = this.range(this.matches[at]);
    mark("found-here", range ? [range] : [], 1);
    this.onGo(n);
    const item = this.sentences.item(n);
    const top = Math.max(0, this.form.closest(".player").getBoundingClientRect().bottom);
    const place = item.getBoundingClientRect();
    if (place.top >= top + 8 && place.bottom <= innerHeight - 8) return;
    const far = Math.abs(place.top) > 2 * innerHeight;
    item.scrollIntoView({ block: "center", behavior: far || isStill() ? "instant" : "smooth" });
  }

  /** All matches, and none of them the one to be at. */
  show() {
    this.at = -1;
    const ranges = this.matches.map((match) => this.range(match));
    mark("found", ranges.filter(Boolean));
    mark("found-here", []);
    this.tellCount();
  }

  range({ n, from, to }) {
    const paragraph = this.sentences.paragraph(n);
    return paragraph && rangeIn(paragraph, from, to);
  }

  tellCount() {
    const total = this.matches.length;
    if (!this.field.value || this.form.hidden) this.count.textContent = "";
    else if (!total) this.count.textContent = _("Nothing found");
    else {
      this.count.textContent = ngettext("%(at)s of %(num)s", "%(at)s of %(num)s", total, {
        at: this.at + 1,
      });
    }
  }
}

/** What is looked for, with its accents joined to their letters as recognised text has them. */
const wantedOf = (text) => squeeze(text.normalize("NFC")).text;

/** A text without what does not count in a search, and where each character stood. */
function squeeze(text) {
  let squeezed = "";
  const places = [];
  for (let place = 0; place < text.length; place += 1) {
    let letter = text[place];
    if (!isHan(letter)) {
      if (UNSEEN.test(letter)) continue;
      if (OTHER_FORMS.test(letter)) letter = letter.normalize("NFKC");
      const small = letter.toLowerCase();
      if (small.length === 1) letter = small;
    }
    squeezed += letter;
    places.push(place);
  }
  return { text: squeezed, places };
}
