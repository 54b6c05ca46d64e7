import { build } from "./build.js";

const STAYS_MS = 8000;

/** One line at the foot of the window: what became of the last correction, and what can be done. */
export class Status {
  constructor() {
    this.line = build("div", { className: "edit-status", role: "status" });
    document.body.append(this.line);
  }

  /** `actions` are [label, function] pairs. A `lasting` line stays until the next one. */
  say(text, actions = [], { lasting = false, tone = "" } = {}) {
    clearTimeout(this.timer);
    const buttons = actions.map(([label, act]) => {
      const button = build("button", { type: "button" }, label);
      button.addEventListener("click", act);
      return button;
    });
    this.line.className = `edit-status ${tone}`;
    this.line.replaceChildren(build("span", {}, text), ...buttons);
    if (!lasting) this.timer = setTimeout(() => this.quiet(), STAYS_MS);
  }

  quiet() {
    const inUse = this.line.matches(":hover, :focus-within");
    if (inUse) this.timer = setTimeout(() => this.quiet(), STAYS_MS);
    else this.clear();
  }

  clear() {
    clearTimeout(this.timer);
    this.line.replaceChildren();
  }
}
