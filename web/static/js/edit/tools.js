import { _ } from "../page/i18n.js";
import { build } from "./build.js";
import { list, rowAround } from "./sentence.js";

/**
 * The buttons of the sentence that is pointed at or has the focus: one set that moves along, since
 * a recording of five hours has thousands of sentences. They lie in a corner that each sentence keeps
 * free, so no text moves; where the window is narrow, that is room for the button that shows the others.
 */
export function sentenceTools({ edit, assign, history }) {
  const change = build("button", { type: "button" }, _("Edit"));
  const past = build("button", { type: "button", className: "past" }, _("Revisions"));
  const choices = build("span", { className: "choices" }, change, past);
  const more = build(
    "button",
    { type: "button", className: "more", "aria-label": _("What to do with this sentence"), "aria-expanded": "false" },
    "⋯",
  );
  const element = build("div", { className: "sentence-tools" }, choices, more);
  const act = (what) => (event) => {
    event.stopPropagation();
    const row = rowAround(element);
    show(false);
    if (row) what(row);
  };
  // Pressing these must not take away what is selected: all of that can be given to somebody.
  const keepSelected = (button) => {
    for (const event of ["pointerdown", "mousedown"]) button.addEventListener(event, (it) => it.preventDefault());
  };
  keepSelected(more);
  if (assign) {
    const speaker = build("button", { type: "button", className: "assign" }, _("Speaker"));
    keepSelected(speaker);
    speaker.addEventListener("click", act(assign));
    change.after(speaker);
  }
  change.addEventListener("click", act(edit));
  past.addEventListener("click", act(history));

  /** Show the buttons in the place of the one that stands for them, or that one again. */
  function show(open) {
    element.classList.toggle("open", open);
    more.setAttribute("aria-expanded", String(open));
  }
  more.addEventListener("click", () => {
    const had = document.activeElement === more;
    show(true);
    if (had) change.focus({ preventScroll: true });
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !element.classList.contains("open")) return;
    event.stopPropagation();
    show(false);
    more.focus({ preventScroll: true });
  });
  document.addEventListener("pointerdown", ({ target }) => {
    if (!element.contains(target)) show(false);
  });

  let pointer = [];
  // Firefox rounds where the pointer is when the page moves below it.
  const rests = ({ clientX, clientY }) => Math.hypot(clientX - pointer[0], clientY - pointer[1]) < 1.5;
  // After the list has heard of it.
  document.addEventListener("pointermove", ({ clientX, clientY }) => (pointer = [clientX, clientY]));

  function follow(event) {
    const row = rowAround(event.target);
    if (!row || element.parentNode === row) return;
    const { activeElement } = document;
    // Who works with the keyboard keeps the buttons while the pointer passes by, and while the page is
    // scrolled below a pointer that rests.
    const isPointer = event.type !== "focusin";
    if (isPointer && element.contains(activeElement)) return;
    if (isPointer && rests(event) && element.parentNode?.contains(activeElement)) return;
    show(false);
    row.append(element);
  }
  for (const event of ["pointerover", "pointermove"]) list().addEventListener(event, follow);
  list().addEventListener("focusin", follow);
  return element;
}
