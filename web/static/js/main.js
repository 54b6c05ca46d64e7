// What every page does. Everything here adds to pages that work without it.
import { askFirst } from "./page/confirm.js";
import { isComposing } from "./page/focus.js";
import { watchJobs } from "./page/notify.js";
import { useAsApp } from "./installed_app/registration.js";
import { renewSubscription } from "./notifications/subscription.js";
import { showLocalTimes } from "./page/local_times.js";
import { tellWhenReady } from "./page/ready.js";

tellWhenReady();
showLocalTimes(document);
closeMenusOutside();
askFirst();
watchJobs();
renewSubscription();
useAsApp();

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
