import { api } from "./api.js";
import { focusNear, isComposing } from "./focus.js";
import { _ } from "./i18n.js";

/**
 * Put a field in the place of a title: Enter saves it, Escape leaves it as it was, and so does
 * whoever goes elsewhere without a change. `holder` holds the title alone; while it is edited a live
 * update leaves it as it is. `saved` gets the job as the server answers it, `tell` what went wrong,
 * and no words once that is over.
 */
export function renameInPlace(holder, { address, title, saved, tell }) {
  if (holder.querySelector("input")) return;
  const field = document.createElement("input");
  field.type = "text";
  field.value = title;
  field.maxLength = 255;
  field.className = "retitle";
  field.setAttribute("aria-label", _("Title"));
  const shown = [...holder.children];
  const before = document.activeElement;
  for (const child of shown) child.hidden = true;
  holder.dataset.keep = "";
  holder.append(field);
  field.focus();
  field.select();
  let ended = false;

  function end() {
    if (ended) return;
    ended = true;
    const hadFocus = holder.contains(document.activeElement);
    delete holder.dataset.keep;
    for (const child of shown) child.hidden = false;
    if (field.hasAttribute("aria-invalid")) tell("");
    field.remove();
    const opener = before?.isConnected && before !== document.body ? before : null;
    if (hadFocus) focusNear(opener ?? holder.querySelector("a, button"));
  }

  async function save() {
    if (field.value.trim() === title) return end();
    field.readOnly = true;
    try {
      const job = await api("PATCH", address, { json: { title: field.value } });
      end();
      saved(job);
    } catch (error) {
      field.readOnly = false;
      field.setAttribute("aria-invalid", "true");
      tell(error.message, true);
      field.focus();
    }
  }

  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (isComposing(event)) return;
    if (event.key === "Enter") save();
    else if (event.key === "Escape") end();
    else return;
    event.preventDefault();
  });
  field.addEventListener("blur", () => {
    if (!ended && !field.readOnly && field.value.trim() === title) end();
  });
}
