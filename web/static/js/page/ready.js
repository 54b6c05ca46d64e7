// Tells the stylesheet that the page's scripts have run: what works only with them is shown then.
// A button that is seen earlier, on a slow line, is pressed in vain.

/** Module scripts run in turn before this event, so those of the page that imports this one too. */
export function tellWhenReady() {
  document.addEventListener("DOMContentLoaded", () => {
    document.documentElement.classList.add("ready");
  });
}
