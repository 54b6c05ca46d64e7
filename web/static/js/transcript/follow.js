import { isField } from "../page/focus.js";
import { keep, kept } from "../browser/storage.js";

const SCROLLING_KEYS = new Set(["PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown"]);
const REMEMBERED = "longscribe.follow";

/**
 * Keeps the spoken sentence in view. Stops when the reader scrolls, and while a field elsewhere has the
 * focus; then a button goes back to that sentence and starts it again.
 */
export class Follow {
  constructor(player, toggle, back) {
    this.player = player;
    this.toggle = toggle;
    this.back = back;
    this.rests = false;
    this.current = null;
    this.pressed = null;
    this.scrolling = null;
    this.on = kept(REMEMBERED) !== "no";
    toggle.addEventListener("click", () => this.set(!this.on));
    back.addEventListener("click", () => this.resume());
    // The press takes the focus from a field, which would hide the button before the click.
    back.addEventListener("pointerdown", () => this.rest());
    this.watchReader();
    this.show();
  }

  set(on) {
    this.on = on;
    keep(REMEMBERED, on ? "yes" : "no");
    this.rests = false;
    if (on) this.resume();
    else this.show();
  }

  /** The sentence that is being said, as an element. */
  move(current) {
    this.current = current;
    // What was pressed is in view, and must not move away below the second press of a double click.
    if (this.on && !this.rests && !current?.contains(this.pressed)) this.bring(false);
    this.pressed = null;
    this.show();
  }

  /** Go to the current place and stay with it. */
  resume() {
    this.rests = false;
    // Where a button takes no focus, the field would hold the page still again at the next sentence.
    if (fillsInElsewhere()) document.activeElement.blur();
    this.bring(true);
    this.show();
  }

  show() {
    this.toggle.setAttribute("aria-pressed", String(this.on));
    const stands = this.rests || !this.on || fillsInElsewhere() || document.activeElement === this.back;
    this.back.hidden = !(this.current && stands && !this.isInView());
    document.querySelector(".foot")?.classList.toggle("below-button", !this.back.hidden);
  }

  rest() {
    if (!this.current) return;
    this.rests = true;
    this.show();
  }

  // Wheel, touch and keys, not scroll events: those also come of what is laid out while scrolling.
  watchReader() {
    const rest = () => this.rest();
    addEventListener("wheel", rest, { passive: true });
    addEventListener("touchmove", rest, { passive: true });
    addEventListener("keydown", (event) => SCROLLING_KEYS.has(event.key) && !isField(event) && rest());
    addEventListener("pointerdown", (event) => {
      const page = document.documentElement;
      if (event.target === page && event.clientX >= page.clientWidth) rest(); // the scroll bar
      this.pressed = event.target;
    });
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
    for (const event of ["focusin", "focusout"]) document.addEventListener(event, showSoon);
  }

  bounds() {
    const top = Math.max(0, this.player.getBoundingClientRect().bottom);
    return { top, bottom: innerHeight };
  }

  isInView() {
    const { top, bottom } = this.bounds();
    const place = this.current.getBoundingClientRect();
    return place.bottom > top && place.top < bottom;
  }

  bring(always) {
    if (!this.current?.getClientRects().length) return; // it may be left out of what is shown
    if (!always && fillsInElsewhere()) return;
    const { top, bottom } = this.bounds();
    const place = this.current.getBoundingClientRect();
    const room = bottom - top;
    if (!always && place.top >= top + 8 && place.bottom <= bottom - room / 4) return;
    const by = place.top - top - room / 4;
    const far = Math.abs(by) > 2 * room;
    const atOnce = far || isStill();
    scrollBy({ top: by, behavior: atOnce ? "instant" : "smooth" });
    if (atOnce) this.settle(4);
    else this.settleOnceScrolled();
  }

  /** Correct the place once smooth scrolling has ended: what changes its height meanwhile moves it. */
  settleOnceScrolled() {
    this.scrolling?.abort();
    const scrolling = (this.scrolling = new AbortController());
    addEventListener("scrollend", () => this.settle(4), { once: true, signal: scrolling.signal });
    // Where nothing scrolls, as at the end of the page, the next scrolling is somebody else's.
    setTimeout(() => scrolling.abort(), 2_000);
  }

  /**
   * Correct the scroll position after a jump, once elements that were never shown have heights. Stops when
   * the reader scrolls meanwhile or goes to a field, which would leave their sight again.
   */
  settle(tries) {
    requestAnimationFrame(() => {
      if (!this.current || this.rests || fillsInElsewhere()) return;
      const { top, bottom } = this.bounds();
      const off = this.current.getBoundingClientRect().top - top - (bottom - top) / 4;
      if (Math.abs(off) > 4) scrollBy({ top: off, behavior: "instant" });
      if (tries > 1) this.settle(tries - 1);
    });
  }
}

/** Whether somebody writes or chooses for a mark or a name meanwhile, which is not to leave their sight. */
function fillsInElsewhere() {
  const { activeElement } = document;
  return isField({ target: activeElement }) && !activeElement.closest("#player");
}

export function isStill() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
