// Minutes on a job's page: shown while they are being written, and changed by their owner.
import { build } from "../edit/build.js";
import { api } from "../page/api.js";
import { _ } from "../page/i18n.js";
import { stayWhile } from "../page/leaving.js";
import { pollFragment } from "../live/live_fragment.js";
import { editForm, contentOf } from "./form.js";

/** Keep the panel up to date while minutes are being written, and let finished ones be changed. */
export function showMinutes() {
  const panel = document.getElementById("minutes");
  if (!panel) return;
  panel.dataset.live = panel.dataset.fragment;
  let ask = null;
  stayWhile(() => isChanged(panel.querySelector("form.minutes-form")));
  if (panel.hasAttribute("data-under-way")) ask = pollFragment(panel);
  panel.addEventListener("click", (event) => {
    const button = event.target.closest("[data-edit-minutes]");
    if (button) edit(panel, button, () => (ask ? ask() : (ask = pollFragment(panel))()));
  });
}

/** Whether a form of minutes has something that would be lost with the page. */
const isChanged = (form) => Boolean(form) && JSON.stringify(contentOf(form)) !== form.dataset.begun;

async function edit(panel, button, show) {
  button.disabled = true;
  panel.querySelector(".told")?.remove();
  const told = build("p", { className: "told", role: "alert" });
  const address = panel.dataset.address;
  let found;
  try {
    found = await api("GET", address);
  } catch (error) {
    told.textContent = error.message;
    button.closest(".actions").after(told);
    button.disabled = false;
    button.focus();
    return;
  }
  const points = panel.querySelector(".points");
  const actions = button.closest(".actions");
  const form = editForm(found.minutes);
  form.dataset.begun = JSON.stringify(contentOf(form));
  const save = build("button", { type: "submit" }, _("Save"));
  const cancel = build("button", { type: "button" }, _("Cancel"));
  form.append(told, build("p", { className: "actions" }, save, cancel));
  points.hidden = actions.hidden = true;
  points.after(form);
  form.querySelector("textarea, button")?.focus();

  function close() {
    form.remove();
    points.hidden = actions.hidden = button.disabled = false;
    button.focus();
  }
  cancel.addEventListener("click", close);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    told.textContent = "";
    const accepted = found.accepted_at !== null;
    try {
      const json = { revision: found.revision, minutes: contentOf(form), accepted };
      await api("PUT", address, { json });
      close();
      await show();
    } catch (error) {
      told.textContent = error.message;
      save.disabled = false;
    }
  });
}
