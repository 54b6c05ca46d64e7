// A job's page.
import "./main.js";
import { copyButtons } from "./copy.js";
import { editTranscript } from "./edit.js";
import { exportDialog } from "./export.js";
import { keepLive } from "./live.js";
import { textSoFar } from "./text_so_far.js";
import { readAndListen } from "./transcript/reading.js";

copyButtons();
readAndListen();
editTranscript();
const exporting = document.getElementById("export");
if (exporting) exportDialog(exporting, document.querySelector("[data-export]"));
const soFar = document.querySelector("[data-text-so-far]");
const askForText = soFar && textSoFar(soFar);
const running = document.querySelector("[data-live]");
if (running) {
  keepLive(running);
  running.addEventListener("live:shown", () => {
    // The finished page has more than this one: a player, and what to do with the transcript.
    if (running.querySelector(".state.completed")) location.reload();
    else askForText?.();
  });
}
