// One stop for the Tab key in a transcript, in the place of one for each of thousands of times.

/** Make the times a single stop; the arrow keys go from one to the next, Home and End to the ends. */
export function singleStop(list) {
  const times = () => list.querySelectorAll(":scope > li > .at");
  let stop = null;

  function moveTo(at) {
    if (!at || at === stop) return;
    stop?.setAttribute("tabindex", "-1");
    at.removeAttribute("tabindex");
    stop = at;
  }

  function prepare() {
    for (const at of times()) if (at !== stop) at.setAttribute("tabindex", "-1");
    if (!stop?.isConnected) moveTo(list.querySelector(":scope > li.now > .at") ?? times()[0]);
  }

  prepare();
  list.addEventListener("transcript:restructured", prepare);
  list.addEventListener("focusin", (event) => {
    const row = event.target.closest("#sentences > li");
    moveTo(row?.querySelector(":scope > .at"));
  });
  list.addEventListener("keydown", (event) => {
    if (!event.target.matches(".at") || event.ctrlKey || event.metaKey || event.altKey) return;
    const shown = [...times()].filter((at) => at.getClientRects().length);
    const place = shown.indexOf(event.target);
    const next = {
      ArrowUp: shown[place - 1],
      ArrowDown: shown[place + 1],
      Home: shown[0],
      End: shown.at(-1),
    }[event.key];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  // The sentence that is heard is where somebody who comes by Tab wants to be.
  return (row) => {
    if (!list.contains(document.activeElement)) moveTo(row?.querySelector(":scope > .at"));
  };
}
