/**
 * Make `old` look like `next`, changing only what differs, so that focus, an open <details> and a
 * selection survive a refresh: a <details> opens and closes only by its reader. Children with
 * data-key are matched by it, the others by place. What has data-keep is a script's own.
 */
export function morph(old, next) {
  if (old.dataset?.keep !== undefined && keyOf(old) === keyOf(next)) return;
  if (old.isEqualNode(next)) return;
  if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName) {
    old.replaceWith(next);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== next.nodeValue) old.nodeValue = next.nodeValue;
    return;
  }
  sameAttributes(old, next);
  morphChildren(old, next);
}

function sameAttributes(old, next) {
  const byReader = (name) => name === "open" && old.nodeName === "DETAILS";
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value && !byReader(name)) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name) && !byReader(name)) old.removeAttribute(name);
  }
}

const keyOf = (node) => node.dataset?.key;

/** Update the children alone, for a fragment whose own element stays. */
export function morphChildren(old, next) {
  const kept = new Map();
  for (const child of old.children) if (keyOf(child)) kept.set(keyOf(child), child);
  const wantedKeys = new Set([...next.children].map(keyOf));
  const leaves = (node) => !keyOf(node) || !wantedKeys.has(keyOf(node));
  let place = old.firstChild;

  function removePlace() {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }

  for (const wanted of [...next.childNodes]) {
    const key = keyOf(wanted);
    const match = key ? kept.get(key) : place && !keyOf(place) ? place : null;
    // A node that is moved loses the focus, so what is in its way goes first.
    while (match && place && place !== match && leaves(place)) removePlace();
    if (!match) {
      old.insertBefore(wanted, place);
      continue;
    }
    if (match !== place) old.insertBefore(match, place);
    place = match.nextSibling;
    morph(match, wanted);
  }
  while (place) removePlace();
}
