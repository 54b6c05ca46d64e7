// The page behind a link: a click on a time plays from there, and what is said is marked.
import { showLocalTimes } from "../page/local_times.js";

const audio = document.querySelector("audio.shared-sound");
const rows = [...document.querySelectorAll(".sentences > li")];
const starts = rows.map((row) => Number(row.dataset.start));
let shown = null;

/** The sentence that is said at `time`, or the last one before it. */
function rowAt(time) {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= time + 0.01) low = middle + 1;
    else high = middle;
  }
  return rows[low - 1] ?? null;
}

function show() {
  const now = rowAt(audio.currentTime);
  if (now === shown) return;
  shown?.classList.remove("now");
  now?.classList.add("now");
  shown = now;
}

showLocalTimes(document.querySelector(".until"));
if (audio) {
  document.querySelector(".sentences")?.addEventListener("click", (event) => {
    const row = event.target.closest("a.at")?.closest("li");
    if (!row) return;
    audio.currentTime = Number(row.dataset.start);
    audio.play().catch(() => {}); // the browser's own controls say what is wrong
  });
  audio.addEventListener("timeupdate", show);
  audio.addEventListener("seeked", show);
  const named = document.getElementById(location.hash.slice(1));
  if (named?.dataset.start) audio.currentTime = Number(named.dataset.start);
}
