// What a person sees of one file on its way: its name, how far it is, and what they can do.
import { _ } from "../page/i18n.js";
import { size, span } from "../page/quantities.js";

export class Row {
  constructor(name) {
    this.element = made("li");
    const line = made("div", "line");
    this.state = made("span", "told");
    this.buttons = made("span", "buttons");
    this.bar = made("progress");
    this.bar.max = 1;
    this.bar.setAttribute("aria-label", _("Upload of %(name)s", { name }));
    line.append(made("span", "name", name), this.buttons);
    this.element.append(line, this.bar, this.state);
    this.name = name;
    this.bar.value = 0;
  }

  /** `actions` are [what the button says, what it does] in their order. */
  show(kind, text, actions = []) {
    this.element.className = kind;
    this.bar.hidden = kind === "failed";
    this.say(text);
    if (kind === "failed") this.state.setAttribute("role", "alert");
    else this.state.removeAttribute("role");
    // A button that stays keeps the focus that it may have.
    const kept = new Map([...this.buttons.children].map((button) => [button.textContent, button]));
    this.buttons.replaceChildren(
      ...actions.map(([label, act]) => {
        const button = kept.get(label) ?? made("button", "", label);
        button.type = "button";
        button.setAttribute("aria-label", `${label}: ${this.name}`);
        button.onclick = act;
        return button;
      }),
    );
  }

  say(text) {
    if (this.state.textContent !== text) this.state.textContent = text;
  }

  progress(bytes, total, bytesPerSecond) {
    this.bar.value = total ? bytes / total : 0;
    if (bytes === total) return this.say(_("Saving"));
    this.howFar = _("%(done)s of %(total)s", { done: size(bytes), total: size(total) });
    const parts = [this.howFar];
    if (bytesPerSecond) {
      parts.push(_("%(size)s a second", { size: size(bytesPerSecond) }));
      parts.push(_("%(time)s left", { time: span((total - bytes) / bytesPerSecond) }));
    }
    return this.say(parts.join(" · "));
  }

  remove() {
    this.element.remove();
  }
}

export function made(name, className = "", text = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}
