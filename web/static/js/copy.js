/** Buttons with data-copy="#id" copy the paragraphs of that element, one a line. */
export function copyButtons() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const paragraphs = document.querySelectorAll(`${button.dataset.copy} p`);
    const text = [...paragraphs].map((paragraph) => paragraph.textContent).join("\n");
    const label = button.textContent;
    button.textContent = (await copy(text)) ? "Copied" : "Select the text and copy it";
    setTimeout(() => (button.textContent = label), 2000);
  });
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text); // no clipboard without HTTPS, except on this machine itself
  }
}

function copyByHand(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
