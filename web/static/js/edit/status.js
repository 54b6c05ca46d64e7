import { build } from "./build.js";

const STAYS_MS = 8000;

/** One line at the foot of the window: what became of the last correction, and what can be done. */
export class Status {
  constructor() {
    this.line = build("div", { className: "edit-status", role: "status" });
    document.body.append(this.line);
  }

  /**
   * `actions` are [label, function] pairs. A `lasting` line stays until the next one. Returns what is
   * said, for `add`.
   */
  say(text, actions = [], { lasting = false, tone = "" } = {}) {
    clearTimeout(this.timer);
    const said = build("span", {}, text);
    this.line.className = `edit-status ${tone}`;
    this.line.replaceChildren(said, ...buttonsOf(actions));
    this.makeRoom(true);
    if (!lasting) this.timer = setTimeout(() => this.quiet(), STAYS_MS);
    return said;
  }

  /** Offer more beside what was said, unless something else is said by now. */
  add(said, actions) {
    if (said.isConnected) this.line.append(...buttonsOf(actions));
  }

  quiet() {
    const inUse = this.line.matches(":hover, :focus-within");
    if (inUse) this.timer = setTimeout(() => this.quiet(), STAYS_MS);
    else this.clear();
  }

  clear() {
    clearTimeout(this.timer);
    this.line.replaceChildren();
    this.makeRoom(false);
  }

  /** What else lies at the foot of the window stands above the line. */
  makeRoom(isNeeded) {
    document.getElementById("back-to-place")?.classList.toggle("above-status", isNeeded);
  }
}

const buttonsOf = (actions) =>
  actions.map(([label, act]) => {
    const button = build("button", { type: "button" }, label);
    button.addEventListener("click", act);
    return button;
  });
