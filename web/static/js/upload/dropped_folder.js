// Folders that are dropped on the page: what is sent are the recordings in them.
import { _ } from "../page/i18n.js";
import { Row } from "./row.js";
import { isRecording } from "./upload.js";

/** What was dropped: files, and folders, which a browser names among the files as if they were some. */
export function dropped({ items, files }) {
  const entries = [...items].filter(({ kind }) => kind === "file").map((item) => item.webkitGetAsEntry?.());
  const isFolder = (at) => Boolean(entries[at]?.isDirectory);
  return {
    files: [...files].filter((_file, at) => !isFolder(at)),
    folders: entries.filter((entry) => entry?.isDirectory),
  };
}

/** Take the recordings of a folder and of those in it, or say that there are none. */
export async function takeFolder(folder, page) {
  const files = await recordingsIn(folder).catch(() => []);
  if (files.length) return page.take(files);
  const row = new Row(folder.name);
  const dismiss = [_("Dismiss"), () => row.remove()];
  row.show("failed", _("No recording was found in this folder."), [dismiss]);
  return page.list.append(row.element);
}

async function recordingsIn(folder) {
  const found = [];
  for (const entry of await entriesOf(folder)) {
    if (entry.name.startsWith(".")) continue; // what a system keeps beside the files
    if (entry.isDirectory) found.push(...(await recordingsIn(entry)));
    else found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
  }
  return found.filter(isRecording);
}

/** What lies in a folder, by name. A browser tells it a hundred at a time. */
async function entriesOf(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    found.push(...some);
  }
  return found.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
}
