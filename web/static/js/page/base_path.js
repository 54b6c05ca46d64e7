/** The address of a path of this site, which a proxy may serve below a path of its own. */
export const address = (path) => (document.documentElement.dataset.root ?? "") + path;
