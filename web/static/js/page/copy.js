import { _ } from "./i18n.js";

/**
 * Buttons with data-copy="#id" copy the texts in that element, one a line, as they are stored, each
 * after its speaker's name where that is known.
 */
export function copyButtons() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const text = [...document.querySelectorAll(`${button.dataset.copy} .text`)]
      .filter((one) => one.textContent)
      .map((one) => {
        const speaker = one.closest("[data-speaker]")?.dataset.speaker;
        return speaker ? `${speaker}: ${one.textContent}` : one.textContent;
      })
      .join("\n");
    sayBriefly(button, (await copy(text)) ? _("Copied") : _("Select the text and copy it"));
  });
}

const labels = new WeakMap(); // of the buttons that say something else just now

/** Let a button say what came of it for two seconds. */
export function sayBriefly(button, words) {
  const { label, timer } = labels.get(button) ?? { label: button.textContent };
  clearTimeout(timer);
  button.textContent = words;
  const back = () => {
    button.textContent = label;
    labels.delete(button);
  };
  labels.set(button, { label, timer: setTimeout(back, 2000) });
}

/** Copy a text, or that of a promise. Resolves to whether it worked. */
export async function copy(text) {
  try {
    // With a promise: a browser forgets the click that allowed this while the text is on its way.
    const blob = Promise.resolve(text).then((got) => new Blob([got], { type: "text/plain" }));
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": blob })]);
    return true;
  } catch {
    // No clipboard without HTTPS, except on this machine itself; some know no promises.
  }
  try {
    return copyByHand(await text);
  } catch {
    return false;
  }
}

function copyByHand(text) {
  const { activeElement } = document;
  const area = document.createElement("textarea");
  area.value = text;
  // Outside an open dialog nothing can be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.focus({ preventScroll: true });
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  activeElement.focus({ preventScroll: true });
  return copied;
}
