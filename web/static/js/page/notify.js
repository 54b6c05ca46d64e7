// A notification of the browser when a job is done, for those who ask for it.
import { _ } from "./i18n.js";
import { address } from "./base_path.js";
import { keep, kept, keptJson } from "../browser/storage.js";

const JOBS = "longscribe.notify";
const WISH = "longscribe.notify-wish";
const ASK_EVERY_MS = 15_000;

/** Ask for permission once the box is ticked, and remember the tick. */
export function wantNotifications(box) {
  if (!box) return;
  if (!("Notification" in window)) {
    box.closest("label").hidden = true;
    return;
  }
  box.checked = kept(WISH) === "yes" && Notification.permission === "granted";
  box.addEventListener("change", async () => {
    if (box.checked && (await Notification.requestPermission()) !== "granted") {
      box.checked = false;
      box.closest("label").querySelector(".denied").hidden = false;
    }
    keep(WISH, box.checked ? "yes" : "no");
  });
}

export function notifyWhenDone(id, name) {
  keep(JOBS, JSON.stringify({ ...jobs(), [id]: name }));
}

/** Poll the jobs for which a notification was asked, as long as a page is open. */
export function watchJobs() {
  setInterval(() => {
    if (Object.keys(jobs()).length && "Notification" in window) look();
  }, ASK_EVERY_MS);
}

async function look() {
  for (const [id, name] of Object.entries(jobs())) {
    const answer = await fetch(address(`/api/v1/jobs/${id}`), { cache: "no-store" }).catch(() => null);
    const status = answer?.ok ? (await answer.json()).status : null;
    const gone = answer?.status === 404 || status === "cancelled";
    if (!gone && status !== "completed" && status !== "failed") continue;
    const left = jobs();
    if (!(id in left)) continue; // another page was faster
    delete left[id];
    keep(JOBS, JSON.stringify(left));
    if (gone || Notification.permission !== "granted") continue;
    const said = status === "completed" ? _("The transcript is ready.") : _("It could not be transcribed.");
    const shown = new Notification(name, { body: said, tag: id });
    shown.onclick = () => {
      window.focus();
      location.assign(address(`/jobs/${id}`));
    };
  }
}

/** The names of the jobs for which a notification was asked, by their ids. */
const jobs = () => keptJson(JOBS) ?? {};
