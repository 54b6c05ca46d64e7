// A job's page.
import "./main.js";
import { copyButtons } from "./copy.js";
import { keepLive } from "./live.js";

copyButtons();
const running = document.querySelector("[data-live]");
if (running) keepLive(running);
