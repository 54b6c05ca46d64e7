import { build } from "../edit/build.js";

/** A button of the panel: `focus` names it, so that its successor has the focus once the panel is made again. */
export function button(label, title, focus, does) {
  const about = { type: "button", title, "aria-label": title, dataset: { focus } };
  const made = build("button", about, label);
  made.addEventListener("click", does);
  return made;
}
