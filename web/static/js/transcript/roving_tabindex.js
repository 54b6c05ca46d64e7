// One stop for the Tab key in a transcript, in the place of one for each of thousands of times.

import { besideRow, rowAround, rowsOf } from "./rows.js";

const FRAMES = 10;

/**
 * Focus, and scroll to it again while it is drawn: rows on the way to it had the height that is
 * supposed of what was never drawn, and Firefox keeps to the place that followed from that.
 */
function focusInView(at) {
  at.focus();
  let left = FRAMES;
  const again = () => {
    if (document.activeElement !== at) return;
    at.scrollIntoView({ block: "nearest" });
    left -= 1;
    if (left) requestAnimationFrame(again);
  };
  requestAnimationFrame(again);
}

/** Make the times a single stop; the arrow keys go from one to the next, Home and End to the ends. */
export function singleStop(list) {
  const first = () => list.querySelector("li.now > .at") ?? list.querySelector("li[data-n] > .at");
  let stop = null;

  function moveTo(at) {
    if (!at || at === stop) return;
    stop?.setAttribute("tabindex", "-1");
    at.removeAttribute("tabindex");
    stop = at;
  }

  function prepare() {
    for (const at of list.querySelectorAll("li[data-n] > .at:not([tabindex])")) {
      if (at !== stop) at.setAttribute("tabindex", "-1");
    }
    if (!stop?.isConnected) moveTo(first());
  }

  /** The row, or the next one in a direction that is shown. Of rows: of what is within one, the
      browser would have to lay out each. */
  function shown(row, by) {
    let at = row;
    while (at && !at.getClientRects().length) {
      at = besideRow(at, by);
    }
    return at;
  }

  prepare();
  list.addEventListener("transcript:restructured", prepare);
  list.addEventListener("focusin", (event) => {
    const row = rowAround(event.target);
    moveTo(row?.querySelector(":scope > .at"));
  });
  list.addEventListener("keydown", (event) => {
    if (!event.target.matches(".at") || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = event.target.parentElement;
    const step = {
      ArrowUp: () => shown(besideRow(row, -1), -1),
      ArrowDown: () => shown(besideRow(row, 1), 1),
      Home: () => shown(rowsOf(list)[0], 1),
      End: () => shown(rowsOf(list).at(-1), -1),
    }[event.key];
    const next = step?.();
    if (!next) return;
    event.preventDefault();
    focusInView(next.querySelector(":scope > .at"));
  });
  // The sentence that is heard is where somebody who comes by Tab wants to be.
  return (row) => {
    if (!list.contains(document.activeElement)) moveTo(row?.querySelector(":scope > .at"));
  };
}
