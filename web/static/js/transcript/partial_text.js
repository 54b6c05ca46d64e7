import { api } from "../page/api.js";
import { clock } from "../page/quantities.js";

/**
 * Keep the text that a job has recognised so far in `section`: each call of the function returned
 * asks for what is new. Batches hold segments of like length, so some come between others.
 */
export function showPartialText(section) {
  const list = section.querySelector("ol");
  let seen = { plan: "", next_batch: 0 };
  let asking = false;

  async function ask() {
    if (asking) return;
    asking = true;
    try {
      const query = new URLSearchParams({ plan: seen.plan, from_batch: seen.next_batch });
      const told = await api("GET", `${section.dataset.textSoFar}?${query}`);
      if (told.plan !== seen.plan) list.replaceChildren();
      seen = told;
      for (const segment of told.segments) put(segment);
      section.hidden = list.childElementCount === 0;
    } catch {
      // The page's own refresh says that the server is away; the next one brings the text too.
    }
    asking = false;
  }

  function put({ start, text }) {
    let after = list.lastElementChild;
    while (after && Number(after.dataset.start) > start) after = after.previousElementSibling;
    if (after && Number(after.dataset.start) === start) return;
    const item = document.createElement("li");
    item.dataset.start = start;
    const at = document.createElement("span");
    at.className = "at";
    at.textContent = clock(start);
    const said = document.createElement("p");
    said.textContent = text;
    item.append(at, said);
    if (after) after.after(item);
    else list.prepend(item);
  }

  ask();
  return ask;
}
