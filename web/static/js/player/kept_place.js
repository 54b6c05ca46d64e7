// Where somebody was in a recording, kept in the browser.
import { keep, keptJson } from "../browser/storage.js";

const KEY = "longscribe.places";
const MOST = 200;
const EVERY_MS = 5000;
const ENDS_S = 5;

/** Remember the place of the player under `name`, a person and a recording. Returns the one kept. */
export function keepPlace(player, name) {
  const before = read().find(([of]) => of === name)?.[1] ?? 0;
  const note = () => write(name, player.time, player.duration);
  let last = 0;
  player.addEventListener("place", ({ detail }) => {
    if (!detail.byReader && performance.now() - last < EVERY_MS) return;
    last = performance.now();
    note();
  });
  player.media.addEventListener("pause", note);
  addEventListener("pagehide", note);
  return before;
}

function read() {
  const found = keptJson(KEY);
  return Array.isArray(found) ? found : [];
}

/** The newest first; who was at the beginning or the end begins anew. */
function write(name, time, duration) {
  const others = read().filter(([of]) => of !== name);
  const isWithin = time > ENDS_S && (!duration || time < duration - ENDS_S);
  const all = isWithin ? [[name, Math.round(time * 10) / 10], ...others] : others;
  keep(KEY, JSON.stringify(all.slice(0, MOST)));
}
