// What the browser keeps for these pages. One that is told to keep nothing of a site refuses even to be
// asked, and one without room refuses to write: pages are then as at a first visit, and work.

/** The text that is kept under a name; null where there is none. */
export function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** What JSON is kept under a name; null where there is none that can be read. */
export function keptJson(name) {
  try {
    return JSON.parse(kept(name));
  } catch {
    return null;
  }
}

/** Keep a text, or with null forget what was kept. Returns whether that was done. */
export function keep(name, text) {
  try {
    if (text === null) localStorage.removeItem(name);
    else localStorage.setItem(name, text);
    return true;
  } catch {
    return false;
  }
}

/** All names under which something is kept, those of other scripts too. */
export function keptNames() {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}
