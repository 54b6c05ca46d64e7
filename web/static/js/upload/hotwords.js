// Words that are likely to be said: in the form, and kept in this browser with an upload until it is
// a job. They are too long for what is sent along with an upload.
import { addText } from "../page/text_file.js";
import { keep, kept, keptNames } from "../browser/storage.js";

const KEPT = "hotwords::";

const ofThisPage = new Map();

/** Take files that are dropped on the field, or chosen, and say what the lists add. */
export function offerHotwords(form) {
  const field = form.elements.hotwords;
  if (!field) return;
  const chosen = form.querySelector("#hotwords-file");
  chosen.addEventListener("change", async () => {
    if (chosen.files[0]) await addText(chosen.files[0], field);
    chosen.value = "";
  });
  field.addEventListener("drop", (event) => {
    const [file] = event.dataTransfer.files;
    if (!file) return; // text, which the browser inserts
    event.preventDefault();
    event.stopPropagation(); // a file that is dropped elsewhere is a recording
    document.documentElement.classList.remove("dropping");
    addText(file, field);
  });
  const hint = form.querySelector("#hotwords-now");
  const options = field.closest("details"); // not where they are open always
  const say = () => (options?.open ?? true) && sayWhatIsGiven(hint, form.elements.model?.value ?? "");
  if (options) options.addEventListener("toggle", say);
  else say();
  form.elements.model?.addEventListener("change", say);
  dropUnneeded();
}

async function sayWhatIsGiven(hint, model) {
  const address = `${hint.dataset.address}?model=${encodeURIComponent(model)}`;
  const answer = await fetch(address, { cache: "no-store" }).catch(() => null);
  if (answer?.ok) hint.textContent = await answer.text();
}

/** Keep a text and return the key that an upload carries along. */
export function keepWords(text) {
  for (const [key, before] of ofThisPage) if (before === text) return key;
  const key = Date.now().toString(36) + Math.random().toString(36).slice(2, 8);
  ofThisPage.set(key, text);
  keep(KEPT + key, text); // without room they are there as long as this page is
  return key;
}

/** The text of a key. Throws where this browser has it no more: a job without it is not meant. */
export function keptWords(key) {
  const text = ofThisPage.get(key) ?? kept(KEPT + key);
  if (text === null) throw new Error("the words of this upload are gone");
  return text;
}

/** Drop what earlier visits kept for uploads that are jobs or gone. */
function dropUnneeded() {
  const names = keptNames();
  const uploads = names.filter((name) => name.startsWith("tus::")).map((name) => kept(name) ?? "");
  for (const name of names) {
    const key = name.startsWith(KEPT) && name.slice(KEPT.length);
    if (key && !uploads.some((told) => told.includes(key))) keep(name, null);
  }
}
