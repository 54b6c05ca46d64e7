import { fitToText } from "../page/field_height.js";
import { isComposing } from "../page/focus.js";
import { _ } from "../page/i18n.js";
import { build } from "./build.js";
import { timeOf } from "./sentence.js";

/**
 * A text field in place of a sentence, with the part selected that is given as [from, to].
 * `done(text, how)` is called once: with the text when it is saved or the field loses the focus, with
 * null when it is left. `changed(text)` is called for every change, and `key(event)` for every key:
 * it returns whether it acted on it. `enter()` is what a phone's keyboard does, which names no key.
 */
export class Editor {
  constructor(row, text, [from, to], { done, changed, key, enter }) {
    this.row = row;
    this.original = text;
    this.done = done;
    this.key = key;
    this.enter = enter;
    this.field = build("textarea", {
      value: text,
      rows: 1,
      spellcheck: false,
      enterKeyHint: "next",
      "aria-label": _("Sentence at %(time)s", { time: timeOf(row) }),
    });
    this.told = build("p", { className: "told", role: "alert", hidden: true });
    const save = build("button", { type: "button", className: "primary small" }, _("Save"));
    const cancel = build("button", { type: "button" }, _("Cancel"));
    const hint = build("span", { className: "keys" }, _(
      "Enter saves, opens the next and plays on; while it plays, Enter stops at the word just heard. Shift+Enter splits, Esc cancels; Alt+K plays and pauses, Alt+N leaps to the next uncertain word. All keys: “?” above.",
    ));
    this.element = build(
      "div",
      { className: "editor" },
      this.field,
      this.told,
      build("div", { className: "actions" }, save, cancel, hint),
    );
    save.addEventListener("click", () => this.end(this.value));
    cancel.addEventListener("click", () => this.end(null));
    this.field.addEventListener("input", () => {
      this.oneLine();
      changed(this.value);
    });
    this.listen();
    row.dataset.keep = ""; // a refresh of the page leaves it alone
    row.classList.add("editing");
    row.querySelector(".text").after(this.element);
    fitToText(this.field);
    this.field.focus({ preventScroll: true });
    this.select(from, to);
  }

  get value() {
    return this.field.value.trim();
  }

  /** Whether the caret is before all of the text, and nothing selected. */
  get isAtStart() {
    return this.field.selectionStart === 0 && this.field.selectionEnd === 0;
  }

  get touched() {
    return this.value !== this.original;
  }

  listen() {
    this.field.addEventListener("keydown", (event) => {
      // While an input method is open, Enter chooses a word and Escape leaves the choice.
      if (isComposing(event)) return;
      if (this.key(event)) event.preventDefault();
    });
    // The keyboards of some phones name no key.
    this.field.addEventListener("beforeinput", (event) => {
      if (!["insertLineBreak", "insertParagraph"].includes(event.inputType)) return;
      event.preventDefault();
      this.enter();
    });
    for (const kind of ["click", "dblclick", "keydown", "keyup"]) {
      this.element.addEventListener(kind, (event) => event.stopPropagation());
    }
    this.element.addEventListener("focusout", () => {
      // The focus is nowhere until the event is over; another window or tab takes it for a while.
      setTimeout(() => {
        if (document.hasFocus() && !this.element.contains(document.activeElement)) {
          this.end(this.value, { left: true });
        }
      });
    });
  }

  select(from, to) {
    this.field.setSelectionRange(from, to);
  }

  oneLine() {
    if (/[\r\n]/.test(this.field.value)) {
      const at = this.field.selectionStart;
      this.field.value = this.field.value.replace(/\s*[\r\n]+\s*/g, " ");
      this.field.setSelectionRange(at, at);
    }
    fitToText(this.field);
  }

  /** Another text to begin from, as long as nothing was typed. */
  restart(text) {
    const at = Math.min(this.field.selectionStart, text.length);
    this.original = text;
    this.field.value = text;
    this.select(at, at);
    fitToText(this.field);
  }

  tell(message) {
    this.told.textContent = message;
    this.told.hidden = false;
  }

  end(text, how = {}) {
    if (this.ended) return;
    this.ended = true;
    delete this.row.dataset.keep;
    this.row.classList.remove("editing");
    this.element.remove();
    this.done(text, how);
  }
}
