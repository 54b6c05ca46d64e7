import { statusText } from "../page/api.js";
import { copy } from "../page/copy.js";
import { _ } from "../page/i18n.js";
import { keep, keptJson } from "../browser/storage.js";

const REMEMBERED = "longscribe.export";
const PAUSE_MS = 200; // while a number is typed

/** What a box to tick stands for: its own values, or true and false. */
function valueOf({ checked, dataset }, ticked = checked) {
  if (dataset.on) return ticked ? dataset.on : dataset.off;
  return ticked;
}

/** The export dialog: choices by format, a preview from the server, the file and its text. */
export function exportDialog(dialog, opener) {
  const form = dialog.querySelector("form");
  const fields = form.elements;
  const preview = dialog.querySelector("pre");
  const trouble = dialog.querySelector(".trouble");
  const said = dialog.querySelector(".said");
  const download = dialog.querySelector("a.download");
  const copyButton = dialog.querySelector("button.copy");
  const defaults = new Map(
    [...form.querySelectorAll("[name=format]")].map((one) => [one.value, JSON.parse(one.dataset.choices)]),
  );
  const options = [...form.querySelectorAll("[type=checkbox], [type=number]")];
  const chosen = remembered(defaults);
  let asked = null; // the preview that is on its way
  let timer = 0;

  const format = () => fields.format.value;

  /** Show the format's own options as they were left. */
  function showFormat() {
    const choices = chosen.formats[format()];
    for (const option of options) {
      const known = option.name in choices;
      option.closest("label").hidden = !known;
      option.disabled = !known;
      if (!known) continue;
      if (option.type === "checkbox") option.checked = choices[option.name] === valueOf(option, true);
      else option.value = choices[option.name];
    }
    const more = form.querySelector("details");
    more.hidden = [...more.querySelectorAll("input")].every((option) => option.disabled);
    showAddress();
  }

  function keepChoices() {
    const choices = chosen.formats[format()];
    for (const option of options) {
      if (option.disabled || !option.checkValidity()) continue;
      choices[option.name] = option.type === "checkbox" ? valueOf(option) : Number(option.value);
    }
    chosen.format = format();
    keep(REMEMBERED, JSON.stringify(chosen));
  }

  function address(name = format(), more = {}) {
    const query = new URLSearchParams({ format: name });
    for (const option of Object.keys(defaults.get(name))) {
      query.set(option, chosen.formats[format()][option]);
    }
    for (const [key, value] of Object.entries(more)) query.set(key, value);
    return `${dialog.dataset.address}?${query}`;
  }

  function showAddress() {
    const wrong = options.find((option) => !option.disabled && !option.checkValidity());
    showTrouble(wrong ? `${wrong.closest("label").innerText.trim()}: ${wrong.validationMessage}` : "");
    download.href = address();
    download.toggleAttribute("aria-disabled", false);
    if (wrong) download.setAttribute("aria-disabled", "true");
    copyButton.disabled = Boolean(wrong);
    said.textContent = "";
    return !wrong;
  }

  function showTrouble(text) {
    trouble.textContent = text;
    trouble.hidden = !text;
  }

  async function showPreview() {
    asked?.abort();
    const mine = (asked = new AbortController());
    preview.setAttribute("aria-busy", "true");
    try {
      const text = await read(address(format(), { preview: 1 }), mine.signal);
      preview.textContent = text || _("There is no text in it: nobody speaks in this recording.");
      preview.dataset.format = format();
      preview.scrollTop = 0;
    } catch (error) {
      if (error.name === "AbortError") return;
      preview.textContent = "";
      showTrouble(error.message);
    }
    if (mine === asked) preview.setAttribute("aria-busy", "false");
  }

  form.addEventListener("change", (event) => {
    if (event.target.name === "format") showFormat();
    keepChoices();
  });
  form.addEventListener("input", (event) => {
    if (event.target.name === "format") return; // `change` follows and has shown its options
    keepChoices();
    changed(event.target.type === "number" ? PAUSE_MS : 0);
  });
  form.addEventListener("change", (event) => event.target.name === "format" && changed(0));

  function changed(wait) {
    clearTimeout(timer);
    if (showAddress()) timer = setTimeout(showPreview, wait);
  }

  copyButton.addEventListener("click", async () => {
    // A document is copied as the text that it holds.
    const name = format() === "docx" ? "txt" : format();
    const copied = await copy(read(address(name)));
    said.textContent = copied ? _("Copied") : _("Copying failed. Download the file instead.");
  });
  download.addEventListener("click", () => (said.textContent = _("The download begins.")));
  // Enter in a field is no wish to close.
  form.addEventListener("submit", (event) => event.submitter?.value === "close" || event.preventDefault());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => document.documentElement.classList.remove("exporting"));

  opener.addEventListener("click", () => {
    fields.format.value = chosen.format;
    showFormat();
    dialog.showModal();
    document.documentElement.classList.add("exporting");
    form.querySelector("[name=format]:checked").focus(); // and not what closes it
    showPreview();
  });
}

async function read(address, signal) {
  let answer;
  try {
    answer = await fetch(address, { signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(_("The server cannot be reached."));
  }
  if (answer.ok) return answer.text();
  const told = await answer.json().catch(() => null);
  throw new Error(told?.error?.message ?? statusText(answer.status));
}

/** What was chosen last time, of what is still offered. */
function remembered(defaults) {
  const before = keptJson(REMEMBERED); // or something else, which another script wrote there
  const formats = {};
  for (const [name, choices] of defaults) {
    formats[name] = { ...choices };
    for (const option of Object.keys(choices)) {
      const value = before?.formats?.[name]?.[option];
      if (typeof value === typeof choices[option]) formats[name][option] = value;
    }
  }
  return { format: defaults.has(before?.format) ? before.format : [...defaults.keys()][0], formats };
}
