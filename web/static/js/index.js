// The front page: recordings are sent, and the list of jobs is kept up to date.
import "./main.js";
import { keepLive } from "./live.js";
import { enhanceUpload } from "./upload.js";

const list = document.querySelector("[data-live]");
const refresh = keepLive(list);
enhanceUpload(document.getElementById("upload"), document.getElementById("uploads"), refresh);
