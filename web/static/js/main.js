// What every page does. Everything here adds to pages that work without it.
import { askFirst } from "./page/confirm.js";
import { isComposing, typeOncePressed } from "./page/focus.js";
import { watchJobs } from "./page/notify.js";
import { useAsApp } from "./installed_app/registration.js";
import { renewSubscription } from "./notifications/subscription.js";
import { showLocalTimes } from "./page/local_times.js";
import { tellWhenReady } from "./page/ready.js";

const DOUBLE_CLICK_MS = 700;

tellWhenReady();
showLocalTimes(document);
closeMenusOutside();
askFirst();
sendOnce();
stayForFiles();
typeOncePressed();
watchJobs();
renewSubscription();
useAsApp();

/**
 * A double click sends a form once: the second press would make another of what the first made, or
 * show that it is too late for it.
 */
function sendOnce() {
  const sentAt = new WeakMap();
  document.addEventListener("submit", (event) => {
    const { target: form, timeStamp } = event;
    if (event.defaultPrevented || form.getAttribute("method")?.toLowerCase() !== "post") return;
    if (timeStamp - (sentAt.get(form) ?? -Infinity) < DOUBLE_CLICK_MS) event.preventDefault();
    else sentAt.set(form, timeStamp);
  });
}

/** A file that is dropped where nobody takes it would be opened in the place of the page. */
function stayForFiles() {
  for (const kind of ["dragover", "drop"]) {
    document.addEventListener(kind, (event) => {
      const isFile = event.dataTransfer?.types.includes("Files");
      if (!isFile || event.defaultPrevented || event.target.closest?.("input, textarea")) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "none";
    });
  }
}

/** A menu closes when something else is chosen, and with Escape. */
function closeMenusOutside() {
  const close = (but) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(but)) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => close(event.target));
  document.addEventListener("keydown", (event) => {
    const isEscape = event.key === "Escape" && !isComposing(event);
    const menu = isEscape && document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}
