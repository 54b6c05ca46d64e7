import { api, csrfToken } from "../page/api.js";
import { _, language, ngettext } from "../page/i18n.js";
import { confirmAction } from "../page/confirm.js";

const number = new Intl.NumberFormat(language);

const APPLIES = {
  cancel: ["queued", "processing"],
  retry: ["failed", "cancelled"],
  delete: ["queued", "completed", "failed", "cancelled"],
};

/**
 * Select several jobs, those of other pages included, and cancel, retry or delete them at once.
 * A button shows to how many of them it applies; `tell` gets the text with the outcomes.
 */
export function enhanceSelection(section, region, refresh, tell) {
  const bar = document.getElementById("selected");
  const mostAtOnce = Number(bar.dataset.most);
  const chosen = new Map(); // from a job's id to its state
  let last = null;
  bar.hidden = false;

  const boxes = () => [...region.querySelectorAll(".pick")];
  const statusOf = (box) => box.closest(".job").dataset.status;

  function choose(box, on) {
    box.checked = on;
    if (on) chosen.set(box.value, statusOf(box));
    else chosen.delete(box.value);
  }

  region.addEventListener("click", (event) => {
    const box = event.target.closest(".pick");
    if (!box) return;
    const all = boxes();
    const from = all.findIndex((each) => each.value === last);
    const to = all.indexOf(box);
    const range = event.shiftKey && from >= 0 ? all.slice(Math.min(from, to), Math.max(from, to) + 1) : [box];
    for (const each of range) choose(each, box.checked);
    last = box.value;
    show();
  });

  region.addEventListener("live:shown", () => {
    for (const box of boxes()) {
      if (chosen.has(box.value)) chosen.set(box.value, statusOf(box));
      box.checked = chosen.has(box.value);
    }
    show();
  });

  bar.addEventListener("click", async (event) => {
    const which = event.target.closest("[data-select]")?.dataset.select;
    if (which === "none") {
      chosen.clear();
      for (const box of boxes()) box.checked = false;
      show();
      boxes()[0]?.focus();
    } else if (which === "all") {
      await chooseAll();
    }
  });

  async function chooseAll() {
    try {
      const found = await api("GET", bar.dataset.ids + location.search.replace(/([?&])cursor=[^&]*/, "$1"));
      for (const [id, status] of found.jobs) chosen.set(id, status);
    } catch (error) {
      tell(error.message, true);
    }
    for (const box of boxes()) box.checked = chosen.has(box.value);
    show();
  }

  bar.addEventListener("submit", async (event) => {
    event.preventDefault();
    const action = event.submitter?.value;
    const ids = appliesTo(action);
    if (!ids.length || (action === "delete" && !(await sureToDelete(ids.length)))) return;
    await carryOut(action, ids);
    for (const box of boxes()) box.checked = chosen.has(box.value);
    show();
    refresh();
  });

  const appliesTo = (action) =>
    [...chosen].filter(([, status]) => APPLIES[action].includes(status)).map(([id]) => id);

  /** What was carried out is no longer selected; on an error the rest still is, to try again. */
  async function carryOut(action, ids) {
    const totals = {};
    try {
      for (let start = 0; start < ids.length; start += mostAtOnce) {
        const form = new FormData();
        form.append("csrf_token", csrfToken);
        form.append("action", action);
        const some = ids.slice(start, start + mostAtOnce);
        for (const id of some) form.append("job", id);
        const { outcomes } = await api("POST", bar.getAttribute("action"), { form });
        for (const id of some) chosen.delete(id);
        for (const [outcome, count] of Object.entries(outcomes)) {
          totals[outcome] = (totals[outcome] ?? 0) + count;
        }
        tell(outcomesText(action, totals));
      }
    } catch (error) {
      tell([outcomesText(action, totals), error.message].filter(Boolean).join(" "), true);
    }
  }

  function show() {
    const some = chosen.size > 0;
    bar.classList.toggle("some", some);
    bar.querySelector(".count").textContent = some
      ? ngettext("%(count)s selected", "%(count)s selected", chosen.size, { count: number.format(chosen.size) })
      : "";
    bar.querySelector("[data-select=all]").textContent = _("Select all in this list");
    for (const button of bar.querySelectorAll("button[name=action]")) {
      const count = appliesTo(button.value).length;
      button.hidden = count === 0;
      button.textContent = labelOf(button.value, number.format(count));
    }
  }

  show();
}

function labelOf(action, count) {
  if (action === "cancel") return _("Cancel %(count)s", { count });
  if (action === "retry") return _("Try %(count)s again", { count });
  return _("Delete %(count)s", { count });
}

function sureToDelete(count) {
  return confirmAction(
    ngettext("Delete %(num)s job?", "Delete %(num)s jobs?", count),
    _("Each with its transcript and its recording, for good."),
    _("Delete %(count)s", { count: number.format(count) }),
  );
}

/** Count the outcomes in a sentence, the same as `outcomes_text` of web/pages/listing.py. */
function outcomesText(action, outcomes) {
  const words = {
    cancelled: _("%(count)s cancelled"),
    cancelling: _("%(count)s being stopped"),
    queued: _("%(count)s waiting again"),
    deleted: _("%(count)s deleted"),
    refused: {
      cancel: _("%(count)s had already ended"),
      retry: _("%(count)s neither failed nor cancelled"),
      delete: _("%(count)s still running: cancel first"),
    }[action],
    no_room: _("%(count)s not queued: you have as much waiting as you may"),
    gone: _("%(count)s no longer there"),
  };
  const said = Object.keys(words)
    .filter((outcome) => outcomes[outcome])
    .map((outcome) => words[outcome].replace("%(count)s", number.format(outcomes[outcome])));
  return said.length ? _("%(outcomes)s.", { outcomes: said.join(_(", ")) }) : "";
}
