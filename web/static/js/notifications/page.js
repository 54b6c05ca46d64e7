// The page of notifications: the button that asks the browser for permission.
import "../main.js";
import { _ } from "../page/i18n.js";
import { ApiError } from "../page/api.js";
import { canSubscribe, endpointSha256, forgetSubscription, subscribe } from "./subscription.js";

const place = document.getElementById("push");
if (place) {
  const button = place.querySelector("button");
  const problem = place.querySelector(".problem");
  const say = (text) => {
    problem.textContent = text;
    problem.hidden = !text;
  };
  place.hidden = false;
  if (!canSubscribe()) {
    button.disabled = true;
    say(_("This browser shows no notifications of web pages, or this address is not HTTPS."));
  }
  button.addEventListener("click", async () => {
    say("");
    button.disabled = true;
    try {
      if ((await Notification.requestPermission()) !== "granted") {
        say(_("Notifications of this site are blocked in the browser's settings."));
        return;
      }
      await subscribe(place.dataset.key, place.dataset.to);
      location.reload();
    } catch (error) {
      say(error instanceof ApiError ? error.message : _("The browser's push service cannot be reached."));
    } finally {
      button.disabled = false;
    }
  });
}

markThisBrowser();

/** Say which of the list is this browser. Removed there, it is not added again by the next page. */
async function markThisBrowser() {
  const sha256 = canSubscribe() ? await endpointSha256().catch(() => null) : null;
  const row = sha256 && document.querySelector(`[data-endpoint="${sha256}"]`);
  if (!row) return;
  row.querySelector(".here").hidden = false;
  row.querySelector("form").addEventListener("submit", (event) => {
    if (!event.submitter?.hasAttribute("formaction")) forgetSubscription();
  });
  place?.setAttribute("hidden", "");
}
