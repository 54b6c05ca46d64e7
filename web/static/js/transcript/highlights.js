const registry = globalThis.CSS?.highlights;

/** Whether parts of a text can be marked without changing the page. */
export const supported = Boolean(registry) && typeof Highlight !== "undefined";

/** Mark these ranges, and no others, as ::highlight(name); over those of a lesser priority. */
export function mark(name, ranges, priority = 0) {
  if (!supported) return;
  registry.delete(name);
  if (!ranges.length) return;
  const highlight = new Highlight(...ranges);
  highlight.priority = priority;
  registry.set(name, highlight);
}
