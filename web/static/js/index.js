// The front page: recordings are sent, and the list of jobs is kept up to date.
import "./main.js";
import { enhanceList } from "./list/list.js";
import { pollFragment } from "./live/live_fragment.js";
import { followLine } from "./list/awaited.js";
import { enhanceUpload } from "./upload/choose_or_drop.js";

const refresh = enhanceList(document.getElementById("list"));
const share = document.getElementById("share"); // only where there are accounts
const refreshShare = share ? pollFragment(share) : () => {};
// What waits and what lies there is another number once a job begins or ends.
const list = document.getElementById("jobs");
followLine(document.querySelector("[data-waits-for]"), list);
const states = () => [...list.querySelectorAll("[data-status]")].map((row) => row.dataset.status).join();
let known = states();
list.addEventListener("live:shown", () => {
  const now = states();
  if (now !== known) refreshShare();
  known = now;
});
enhanceUpload(document.getElementById("upload"), document.getElementById("uploads"), () => {
  refresh();
  refreshShare();
});
