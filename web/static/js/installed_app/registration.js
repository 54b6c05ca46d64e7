// The service worker is registered where the pages are used as an app, and nowhere else.
import { tokenAccount } from "../page/api.js";
import { address } from "../page/base_path.js";
import { keep, kept } from "../browser/storage.js";

/** Set in a tab in which something was shared, until the front page offers it: after a sign-in too. */
export const SHARED = "longscribe.shared";

const ACCOUNT = "longscribe.account-of-app";

/** Register it in the installed app, and when it is being installed. */
export function useAsApp() {
  if (!("serviceWorker" in navigator)) return;
  noteAccount();
  if (location.hash === "#shared") sessionStorage.setItem(SHARED, "yes");
  window.addEventListener("appinstalled", register);
  if (matchMedia("(display-mode: standalone)").matches || navigator.standalone) register();
}

/** Once there is one, keep who is signed in, whose recordings its page is about without a server. */
function noteAccount() {
  if (kept(ACCOUNT) !== null) keep(ACCOUNT, tokenAccount);
}

export async function register() {
  try {
    keep(ACCOUNT, tokenAccount);
    await navigator.serviceWorker.register(address("/service-worker.js"));
  } catch {
    // without it the pages work as before
  }
}

