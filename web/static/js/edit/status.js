import { build } from "./build.js";

const STAYS_MS = 8000;

/** One line at the foot of the window: what became of the last correction, and what can be done. */
export class Status {
  /** `giveBack` gives the focus to where somebody works, once a button that had it is gone. */
  constructor(giveBack) {
    this.giveBack = giveBack;
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
    this.fill(said, ...buttonsOf(actions));
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
    this.fill();
  }

  fill(...parts) {
    const hadFocus = this.line.contains(document.activeElement);
    this.line.replaceChildren(...parts);
    // What else lies at the foot of the window stands above the line.
    document.getElementById("back-to-place")?.classList.toggle("above-status", parts.length > 0);
    if (hadFocus) this.giveBack();
  }
}

const buttonsOf = (actions) =>
  actions.map(([label, act]) => {
    const button = build("button", { type: "button" }, label);
    button.addEventListener("click", act);
    return button;
  });
