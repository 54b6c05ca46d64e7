// Leaving out where nobody speaks, for those who want that.
import { keep, kept } from "../browser/storage.js";

const REMEMBERED = "longscribe.skip-silence";
const LONGEST_S = 1.5; // of a pause that is heard in full
const BEFORE_S = 0.3; // of it, before somebody speaks again

/** Let a button turn it on and off; `sentences` say when somebody speaks. */
export function skipSilence(player, button, sentences) {
  let on = kept(REMEMBERED) === "yes";
  const show = () => button.setAttribute("aria-pressed", String(on));
  button.addEventListener("click", () => {
    on = !on;
    keep(REMEMBERED, on ? "yes" : "no");
    show();
  });
  player.addEventListener("place", ({ detail: { time, byReader } }) => {
    if (!on || byReader || player.media.paused || player.media.seeking) return;
    const { spokenUntil, next } = sentences.around(time);
    if (next === null || next - Math.max(time, spokenUntil) < BEFORE_S) return;
    if (time > spokenUntil + BEFORE_S && next - spokenUntil > LONGEST_S) player.leap(next - BEFORE_S);
  });
  show();
}
