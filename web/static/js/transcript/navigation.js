import { isField } from "../page/focus.js";
import { clock } from "../page/quantities.js";
import { Overview } from "../player/overview.js";
import { Find } from "./find.js";
import { boxOf } from "./rows.js";
import { Sentences } from "./sentences.js";

const PAGE_S = 60;
const FRAMES = 4;

/**
 * The ways through a transcript that cannot be heard: a strip of who speaks when, which leads to that
 * place and shows where the reader is, and the search.
 */
export class Navigation {
  constructor(element, list) {
    this.list = list;
    this.duration = Number(element.dataset.duration);
    this.bar = element;
    this.seekBar = element.querySelector(".seek");
    this.hover = element.querySelector(".hover");
    this.shown = element.querySelector(".time .at");
    this.sentences = new Sentences(list);
    this.led = null; // the sentence in view if the strip led to it
    this.find = new Find(
      element.querySelector("#find"),
      element.querySelector("[data-do=find]"),
      this.sentences,
      () => {},
    );
    element.classList.remove("waits");
    new Overview(element.querySelector(".voices"), list, () => this.duration);
    this.listen();
    this.show();
  }

  listen() {
    this.seekBar.addEventListener("input", () => this.go(Number(this.seekBar.value)));
    this.seekBar.addEventListener("keydown", (event) => this.byKey(event));
    this.seekBar.addEventListener("pointermove", (event) => this.point(event));
    this.seekBar.addEventListener("pointerleave", () => (this.hover.hidden = true));
    let asked = false;
    const showSoon = () => {
      if (asked) return;
      asked = true;
      requestAnimationFrame(() => {
        asked = false;
        this.show();
      });
    };
    addEventListener("scroll", showSoon, { passive: true });
    for (const event of ["wheel", "touchmove", "keydown"]) {
      addEventListener(event, () => (this.led = null), { passive: true });
    }
    document.addEventListener("click", (event) => this.toPlace(event));
    addEventListener("resize", showSoon);
    this.list.addEventListener("transcript:changed", ({ detail }) => this.find.forget([detail.n]));
    this.list.addEventListener("transcript:restructured", ({ detail }) => {
      this.sentences.restructured(detail.n);
      this.find.forget(detail.n);
    });
    this.list.addEventListener("transcript:numbered", ({ detail: { from, n } }) => {
      for (const one of [this.sentences, this.find]) one.rename(from, n);
    });
    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (isField(event) || document.querySelector("dialog[open], details.menu[open]")) return;
      if (event.key === "Escape" && !this.find.form.hidden) this.find.close();
      if (event.key !== "/") return;
      event.preventDefault();
      this.find.open();
    });
  }

  /** Bring the sentence that is said at a time to the top of what is in view. */
  go(time) {
    const at = this.sentences.at(time);
    const n = at < 0 ? this.sentences.numbers[0] : at;
    this.led = this.sentences.item(n);
    this.tell(time);
    this.bring(FRAMES);
  }

  /**
   * Again while it is drawn: what was never shown gets its height only then. Not once the reader goes
   * elsewhere, which would take them back.
   */
  bring(frames) {
    const row = this.led;
    const top = getComputedStyle(this.bar).position === "sticky" ? this.bar.offsetHeight : 0;
    scrollBy({ top: row.getBoundingClientRect().top - top, behavior: "instant" });
    if (frames > 1) requestAnimationFrame(() => this.led === row && this.bring(frames - 1));
  }

  /** A link to a place, of a chapter for instance. */
  toPlace(event) {
    const link = event.target.closest?.("a.place");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.go(Number(link.dataset.at));
  }

  /** An arrow goes one sentence on, as a slider's step is one of what it counts. */
  byKey(event) {
    const { numbers } = this.sentences;
    const time = Number(this.seekBar.value);
    const place = numbers.indexOf(this.sentences.at(time));
    const startOf = (at) => this.sentences.start(numbers[Math.min(Math.max(0, at), numbers.length - 1)]);
    const next = {
      ArrowLeft: () => startOf(place - 1),
      ArrowDown: () => startOf(place - 1),
      ArrowRight: () => startOf(place + 1),
      ArrowUp: () => startOf(place + 1),
      PageDown: () => Math.max(0, time - PAGE_S),
      PageUp: () => Math.min(this.duration, time + PAGE_S),
    }[event.key];
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    this.go(next());
  }

  point(event) {
    const { left, width } = this.seekBar.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
    this.hover.hidden = false;
    this.hover.textContent = clock(share * this.duration);
    this.hover.style.left = `${100 * share}%`;
  }

  /** Show the place of the first sentence in view, unless the strip itself led there. */
  show() {
    if (this.led) return;
    const top = Math.max(0, this.bar.getBoundingClientRect().bottom);
    const { numbers } = this.sentences;
    // Half and half again: asking each where it is would lay the whole page out.
    let low = 0;
    let high = numbers.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (boxOf(this.sentences.item(numbers[middle])).getBoundingClientRect().bottom <= top + 1) low = middle + 1;
      else high = middle;
    }
    this.tell(this.sentences.start(numbers[low]));
  }

  tell(time) {
    this.seekBar.value = time;
    this.shown.textContent = clock(time);
    this.seekBar.setAttribute("aria-valuetext", `${clock(time)} / ${clock(this.duration)}`);
  }
}
