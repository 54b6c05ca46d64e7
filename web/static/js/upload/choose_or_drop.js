// Choosing recordings, or dropping them anywhere on the page.
import { stayWhile } from "../page/leaving.js";
import { wantNotifications } from "../page/notify.js";
import { dropped, takeFolder } from "./dropped_folder.js";
import { offerHotwords } from "./hotwords.js";
import { offerShared } from "../installed_app/shared.js";
import { offerRecorder } from "../recording/recorder.js";
import { UploadQueue } from "./upload_queue.js";

/** Turn the form into one that sends by itself. `onAccepted` is called for every new job. */
export function enhanceUpload(form, list, onAccepted) {
  const input = form.querySelector("input[type=file]");
  const page = new UploadQueue(form, list, onAccepted);
  const takeChosen = () => {
    page.take([...input.files]);
    input.value = "";
  };
  input.addEventListener("change", takeChosen);
  takeChosen(); // whoever was faster than the scripts
  form.addEventListener("submit", (event) => event.preventDefault());
  takeDropped(page);
  takeOpened((files) => page.take(files));
  offerShared(list, (files) => page.take(files));
  offerRecorder(form.querySelector(".recorder"), page);
  wantNotifications(form.elements.notify);
  offerSpeakers(form.elements);
  offerHotwords(form);
  window.addEventListener("online", () => page.hurry());
  stayWhile(() => page.isSending);
  page.offerUnfinished(input);
}

/** Where each track or channel is a person of its own, nobody else is told apart. */
function offerSpeakers({ tracks, channels, speakers }) {
  const decide = () => (speakers.disabled = [tracks.value, channels.value].includes("each"));
  for (const choice of [tracks, channels]) choice.addEventListener("change", decide);
  decide();
}

function takeDropped(page) {
  const root = document.documentElement;
  const withFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!withFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    root.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) root.classList.remove("dropping"); // it left the window
  });
  document.addEventListener("drop", (event) => {
    root.classList.remove("dropping");
    if (!withFiles(event)) return;
    event.preventDefault();
    const { files, folders } = dropped(event.dataTransfer);
    page.take(files);
    for (const folder of folders) takeFolder(folder, page);
  });
}

/** Files that the system opens with this page, where it is installed as an app. */
function takeOpened(take) {
  window.launchQueue?.setConsumer(async ({ files }) => {
    take(await Promise.all(files.map((file) => file.getFile())));
  });
}
