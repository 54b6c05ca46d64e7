// For work that would make the next key wait.

const LATEST_MS = 1000;

let pressed = -Infinity;
addEventListener("keydown", () => (pressed = performance.now()), { capture: true, passive: true });

/** Call `then` when the browser has nothing else to do, within a second. */
export function whenIdle(then) {
  if (globalThis.requestIdleCallback) requestIdleCallback(() => then(), { timeout: LATEST_MS });
  else setTimeout(then, 50);
}

/** Does something once no key was pressed for a while; asked again meanwhile, that long after this. */
export class Quiet {
  constructor(act, ms) {
    this.act = act;
    this.ms = ms;
  }

  soon() {
    this.asked = performance.now();
    this.timer ??= setTimeout(() => this.look(), this.ms);
  }

  look() {
    const left = Math.max(this.asked, pressed) + this.ms - performance.now();
    this.timer = left > 0 ? setTimeout(() => this.look(), left) : undefined;
    if (!this.timer) this.act();
  }

  stop() {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
