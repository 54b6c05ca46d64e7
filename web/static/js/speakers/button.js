import { build } from "../edit/build.js";

/**
 * A button of the panel: `focus` names it, so that its successor has the focus once the panel is made
 * again. The second press of a double click is not meant for that successor.
 */
export function button(label, title, focus, does) {
  const about = { type: "button", title, "aria-label": title, dataset: { focus } };
  const made = build("button", about, label);
  made.addEventListener("click", ({ detail }) => detail < 2 && does());
  return made;
}
