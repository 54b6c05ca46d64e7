// The page of the app while the server is not reached: it records, and goes back once it is.
import { kept } from "../browser/storage.js";

const LOOK_MS = 5000;
const root = document.documentElement.dataset.root;

/** Record for who was signed in last; where nobody is, a recording would be nobody's. */
async function offerRecording() {
  const account = kept("longscribe.account-of-app") ?? "";
  const place = document.getElementById("recording");
  if (!account && place.dataset.signIn === "required") return;
  place.hidden = false;
  // Before the scripts are loaded that read it.
  const about = document.createElement("meta");
  about.name = "account";
  about.content = account;
  document.head.append(about);
  const [{ offerRecorder }, { api }] = await Promise.all([
    import("../recording/recorder.js"),
    import("../page/api.js"),
  ]);
  const uploads = {
    endpoint: new URL(`${root}/api/v1/uploads`, location.href).href,
    list: document.getElementById("uploads"),
    metadata: {},
    submit: (url) =>
      api("POST", `${root}/api/v1/jobs`, { json: { upload_id: url.split("/").at(-1) } }),
  };
  offerRecorder(document.querySelector(".recorder"), uploads);
}

/** The page that was wanted, of this site and no other. */
function wanted() {
  const next = new URLSearchParams(location.search).get("next") ?? "";
  const url = new URL(`${root}/${next.replace(/^[/\\]+/, "")}`, location.href);
  return url.origin === location.origin ? url : new URL(`${root}/`, location.href);
}

async function isReached() {
  try {
    const answer = await fetch(`${root}/healthz`, { cache: "no-store" });
    return answer.ok;
  } catch {
    return false;
  }
}

async function look() {
  const back = document.getElementById("back");
  back.hidden = !(await isReached());
  document.getElementById("away").hidden = !back.hidden;
}

document.querySelector("#back a").href = wanted().href;
document.getElementById("again").addEventListener("click", look);
window.addEventListener("online", look);
setInterval(look, LOOK_MS);
look();
offerRecording();
