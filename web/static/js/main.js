// Everything here adds to pages that work without it.
import { copyButtons } from "./copy.js";
import { keepLive } from "./live.js";
import { showLocalTimes } from "./times.js";
import { enhanceUpload } from "./upload.js";

showLocalTimes(document);
copyButtons();
const refresh = [...document.querySelectorAll("[data-live]")].map(keepLive);
const form = document.getElementById("upload");
if (form) {
  enhanceUpload(form, document.getElementById("uploads"), () => refresh.forEach((now) => now()));
}
