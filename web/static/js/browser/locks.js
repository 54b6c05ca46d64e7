// Locks by which the tabs of this browser keep out of each other's way. A lock ends with its tab,
// however that ends. Browsers have them at https and on this machine; elsewhere a tab knows of no other.

/** Take a lock. Resolves to a function that lets it go, or to null where another tab holds it. */
export function hold(name) {
  if (!navigator.locks) return Promise.resolve(() => {});
  return new Promise((resolve) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock) return new Promise((letGo) => resolve(letGo));
        resolve(null);
        return null;
      })
      .catch(() => resolve(() => {})); // where nothing is kept of a site
  });
}

/** The names of all locks that are held, by this tab or another. */
export async function heldNames() {
  const found = await navigator.locks?.query().catch(() => null);
  return new Set(found?.held.map(({ name }) => name));
}
