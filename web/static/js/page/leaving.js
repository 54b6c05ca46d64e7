// Whether leaving this page now would end or lose something, as a recording or an upload.
const reasons = [];

window.addEventListener("beforeunload", (event) => {
  if (!mayLeave()) event.preventDefault(); // the browser asks
});

/** `isNeeded` tells each time whether the page has to stay. */
export function stayWhile(isNeeded) {
  reasons.push(isNeeded);
}

/** Whether a script may leave or reload the page, which asks nobody. */
export function mayLeave() {
  return !reasons.some((isNeeded) => isNeeded());
}
