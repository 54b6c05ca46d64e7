import { isField } from "../page/focus.js";

/** Keys that work wherever nothing is typed. A button that has the focus keeps its own space bar. */
export function listenToKeys({ player, find, help }) {
  const toggle = ({ repeat }) => repeat || player.toggle();
  const does = new Map([
    [" ", toggle],
    ["k", toggle],
    ["j", () => player.skip(-15)],
    ["l", () => player.skip(15)],
    ["ArrowLeft", () => player.skip(-5)],
    ["ArrowRight", () => player.skip(5)],
    [",", () => player.changeSpeed(-1)],
    [".", () => player.changeSpeed(1)],
    ["/", () => find?.open()],
    ["?", () => help.showModal()],
    ["Escape", () => find && !find.form.hidden && find.close()],
  ]);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isField(event) || document.querySelector("dialog[open], details.menu[open]")) return;
    // A link is not pressed with the space bar: after a click on a time it plays and pauses.
    if (event.key === " " && event.target.closest?.("button, summary, [role=button]")) return;
    const action = does.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
    if (!action) return;
    if (event.key !== "Escape") event.preventDefault();
    action(event);
  });
}
