// Recordings that another app shared with this one: kept by the service worker, offered here.
import { _, ngettext } from "../page/i18n.js";
import { SHARED } from "./registration.js";

const DATABASE = "longscribe-shared";
/** What nobody asked for within a day is forgotten. */
const KEPT_MS = 24 * 60 * 60 * 1000;

/** Offer what was shared before `list`; `take` is given the files once somebody says so. */
export async function offerShared(list, take) {
  const isShared = wasShared();
  if (isShared) history.replaceState(history.state, "", location.pathname + location.search);
  const files = await sharedFiles().catch(() => []);
  if (!isShared) return;
  const offer = document.createElement("div");
  offer.className = "notice shared-files";
  offer.setAttribute("role", "status");
  if (files.length) {
    const names = files.map((file) => file.name).join(", ");
    offer.append(
      text(
        ngettext("%(num)s recording was shared: %(names)s", "%(num)s recordings were shared: %(names)s", files.length, { names }),
      ),
      button(_("Transcribe"), "primary small", () => {
        offer.remove();
        take(files);
        forget();
      }),
      button(_("Discard"), "", () => {
        offer.remove();
        forget();
      }),
    );
  } else {
    sessionStorage.removeItem(SHARED);
    offer.append(text(_("What was shared could not be taken. Choose the recording here.")));
  }
  list.before(offer);
  offer.querySelector("button")?.focus();
}

/** Whether something was shared in this tab; not where the browser keeps nothing of a site. */
function wasShared() {
  try {
    return sessionStorage.getItem(SHARED) !== null;
  } catch {
    return false;
  }
}

/** What was shared within a day. What is older is deleted. */
async function sharedFiles() {
  const fresh = [];
  await within("readwrite", (files) => {
    const each = files.openCursor();
    each.onsuccess = () => {
      const cursor = each.result;
      if (!cursor) return;
      if (Date.now() - cursor.value.at < KEPT_MS) fresh.push(cursor.value.file);
      else cursor.delete();
      cursor.continue();
    };
    return each;
  });
  return fresh;
}

async function forget() {
  sessionStorage.removeItem(SHARED);
  await within("readwrite", (files) => files.clear()).catch(() => {});
}

function within(mode, act) {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("files", { autoIncrement: true });
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => {
      const transaction = asked.result.transaction("files", mode);
      const request = act(transaction.objectStore("files"));
      transaction.oncomplete = () => {
        asked.result.close();
        resolve(request.result);
      };
      transaction.onabort = () => reject(transaction.error);
    };
  });
}

function text(said) {
  const made = document.createElement("p");
  made.textContent = said;
  return made;
}

function button(label, className, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}
