// A job's page.
import "./main.js";
import { copyButtons } from "./page/copy.js";
import { enhanceTitle } from "./page/job_title.js";
import { editTranscript } from "./edit/editing.js";
import { exportDialog } from "./transcript/export_dialog.js";
import { markPlaces } from "./marks/marks.js";
import { pollFragment } from "./live/live_fragment.js";
import { showPartialText } from "./transcript/partial_text.js";
import { readAsParagraphs } from "./transcript/paragraphs.js";
import { readAndListen } from "./transcript/player_sync.js";
import { showMinutes } from "./minutes/minutes.js";
import { nameSpeakers } from "./speakers/speakers.js";

copyButtons();
showMinutes();
readAsParagraphs(document.getElementById("sentences"));
const heard = readAndListen();
editTranscript({ speakers: nameSpeakers(), ...heard });
markPlaces(heard);
enhanceTitle(document.querySelector("article"));
const exporting = document.getElementById("export");
if (exporting) exportDialog(exporting, document.querySelector("[data-export]"));
const soFar = document.querySelector("[data-text-so-far]");
const askForText = soFar && showPartialText(soFar);
const running = document.querySelector("article[data-live]"); // minutes are asked for by themselves
if (running) {
  pollFragment(running);
  running.addEventListener("live:shown", () => {
    // The finished page has more than this one: a player, and what to do with the transcript.
    if (running.querySelector(".state.completed")) location.reload();
    else askForText?.();
  });
}
