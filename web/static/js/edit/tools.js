import { _ } from "../page/i18n.js";
import { build } from "./build.js";
import { list, rowAround } from "./sentence.js";

/**
 * The buttons of the sentence that is pointed at or has the focus: one set that moves along, since
 * a recording of five hours has thousands of sentences.
 */
export function sentenceTools({ edit, assign, history }) {
  const change = build("button", { type: "button" }, _("Edit"));
  const past = build("button", { type: "button", className: "past" }, _("Revisions"));
  const element = build("div", { className: "sentence-tools" }, change, past);
  const act = (what) => (event) => {
    event.stopPropagation();
    const row = rowAround(element);
    if (row) what(row);
  };
  if (assign) {
    const speaker = build("button", { type: "button", className: "assign" }, _("Speaker"));
    // Pressing it must not take away what is selected: all of that can be given to somebody.
    speaker.addEventListener("pointerdown", (event) => event.preventDefault());
    speaker.addEventListener("mousedown", (event) => event.preventDefault());
    speaker.addEventListener("click", act(assign));
    change.after(speaker);
  }
  change.addEventListener("click", act(edit));
  past.addEventListener("click", act(history));

  function follow(event) {
    const row = rowAround(event.target);
    if (!row || element.parentNode === row) return;
    // Who works with the keyboard keeps the buttons while the pointer passes by.
    if (event.type !== "focusin" && element.contains(document.activeElement)) return;
    row.append(element);
  }
  for (const event of ["pointerover", "pointermove"]) list().addEventListener(event, follow);
  list().addEventListener("focusin", follow);
  return element;
}
