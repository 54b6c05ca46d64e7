// The page behind a link: the transcript as its own page has it, to be read and heard.
import { markPlaces } from "../marks/marks.js";
import { copyButtons } from "../page/copy.js";
import { typeOncePressed } from "../page/focus.js";
import { showLocalTimes } from "../page/local_times.js";
import { tellWhenReady } from "../page/ready.js";
import { readAsParagraphs } from "../transcript/paragraphs.js";
import { readAndListen } from "../transcript/player_sync.js";

tellWhenReady();
showLocalTimes(document.querySelector(".until"));
copyButtons();
typeOncePressed();
readAsParagraphs(document.getElementById("sentences"));
markPlaces(readAndListen());
