// Tells the stylesheet that the page's scripts have run: what works only with them is shown then.
// A button that is seen earlier, on a slow line, is pressed in vain.

/** What imports this script runs right after it: no timer comes between. */
export function tellWhenReady() {
  // Not DOMContentLoaded, which waits for no text that a script waits for, as in every language but
  // English.
  setTimeout(() => document.documentElement.classList.add("ready"));
}
