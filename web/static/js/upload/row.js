// The row of an upload: its name, progress and buttons.
import { _ } from "../page/i18n.js";
import { durationText, sizeText } from "../page/quantities.js";

export class Row {
  constructor(name) {
    this.element = createElement("li");
    const line = createElement("div", "line");
    this.state = createElement("span", "told");
    this.buttons = createElement("span", "buttons");
    this.bar = createElement("progress");
    this.bar.max = 1;
    this.bar.setAttribute("aria-label", _("Upload of %(name)s", { name }));
    line.append(createElement("span", "name", name), this.buttons);
    this.element.append(line, this.bar, this.state);
    this.name = name;
    this.bar.value = 0;
  }

  /** `actions` are [what the button says, what it does] in their order. */
  show(kind, text, actions = []) {
    this.element.className = kind;
    this.bar.hidden = ["failed", "kept"].includes(kind);
    this.say(text);
    if (kind === "failed") this.state.setAttribute("role", "alert");
    else this.state.removeAttribute("role");
    const { activeElement } = document;
    const hadFocus = this.buttons.contains(activeElement);
    const kept = new Map([...this.buttons.children].map((button) => [button.textContent, button]));
    this.buttons.replaceChildren(
      ...actions.map(([label, act]) => {
        const button = kept.get(label) ?? createElement("button", "", label);
        button.type = "button";
        button.setAttribute("aria-label", `${label}: ${this.name}`);
        button.onclick = act;
        return button;
      }),
    );
    // A button that was put in anew has lost the focus, as has one whose place another takes.
    if (hadFocus) (this.buttons.contains(activeElement) ? activeElement : this.buttons.firstElementChild)?.focus();
  }

  say(text) {
    if (this.state.textContent !== text) this.state.textContent = text;
  }

  progress(bytes, total, bytesPerSecond) {
    this.bar.value = total ? bytes / total : 0;
    if (bytes === total) return this.say(_("Saving"));
    this.howFar = _("%(done)s of %(total)s", { done: sizeText(bytes), total: sizeText(total) });
    const parts = [this.howFar];
    if (bytesPerSecond) {
      parts.push(_("%(size)s a second", { size: sizeText(bytesPerSecond) }));
      parts.push(_("%(time)s left", { time: durationText((total - bytes) / bytesPerSecond) }));
    }
    return this.say(parts.join(" · "));
  }

  remove() {
    this.element.remove();
  }
}

export function createElement(name, className = "", text = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}
