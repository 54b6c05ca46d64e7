import { api, csrfToken } from "../page/api.js";
import { _, language, ngettext } from "../page/i18n.js";
import { confirmAction } from "../page/confirm.js";
import { address } from "../page/base_path.js";
import { APPLIES, WholeList, completedOf } from "./whole_list.js";

const number = new Intl.NumberFormat(language);

/**
 * Select several jobs, or a whole list, and cancel, retry or delete them at once. A button shows to
 * how many of them it applies; `tell` gets the text with the outcomes.
 */
export function enhanceSelection(section, region, refresh, tell) {
  const bar = document.getElementById("selected");
  const mostAtOnce = Number(bar.dataset.most);
  const chosen = new Map(); // from a job's id to its state, beside those of `whole`
  let whole = null;
  let running = false;
  let stopped = false;
  let last = null;
  bar.hidden = false;

  const boxes = () => [...region.querySelectorAll(".pick")];
  const statusOf = (box) => box.closest(".job").dataset.status;
  const isChosen = (id) => chosen.has(id) || Boolean(whole?.has(id));

  function choose(box, on) {
    if (whole?.covers(box.value)) {
      if (on) whole.without.delete(box.value);
      else if (whole.without.size < mostAtOnce) whole.without.set(box.value, statusOf(box));
      else tell(_("No more than %(count)s can be left out.", { count: number.format(mostAtOnce) }), true);
    } else if (on) {
      chosen.set(box.value, statusOf(box));
    } else {
      chosen.delete(box.value);
    }
    box.checked = isChosen(box.value);
  }

  function chooseNone() {
    chosen.clear();
    whole = null;
  }

  region.addEventListener("click", (event) => {
    const box = event.target.closest(".pick");
    if (!box) return;
    const all = boxes();
    const from = all.findIndex((each) => each.value === last);
    const to = all.indexOf(box);
    const range = event.shiftKey && from >= 0 ? all.slice(Math.min(from, to), Math.max(from, to) + 1) : [box];
    const on = box.checked;
    for (const each of range) choose(each, on);
    last = box.value;
    show();
  });

  region.addEventListener("live:shown", () => {
    if (whole && !whole.isShown && !running) whole = null;
    for (const box of boxes()) {
      if (chosen.has(box.value)) chosen.set(box.value, statusOf(box));
    }
    show();
  });

  bar.addEventListener("click", async (event) => {
    const which = event.target.closest("[data-select]")?.dataset.select;
    if (which === "none" && running) {
      stopped = true;
    } else if (which === "none") {
      chooseNone();
      show();
      boxes()[0]?.focus();
    } else if (which === "all") {
      await chooseAll();
    }
  });

  async function chooseAll() {
    try {
      const taken = await WholeList.take(bar.dataset.whole);
      if (!taken.isShown) return; // another list was gone to meanwhile
      whole = taken;
      for (const id of [...chosen.keys()]) if (whole.covers(id)) chosen.delete(id);
    } catch (error) {
      tell(error.message, true);
    }
    show();
  }

  bar.addEventListener("submit", async (event) => {
    event.preventDefault();
    const action = event.submitter?.value;
    if (running || !mayApply(action)) return;
    if (action === "export") return download();
    if (action === "delete" && !(await sureToDelete(applies(action), applying(action)))) return;
    running = true;
    stopped = false;
    show();
    await (whole ? carryOutOnAll(action) : carryOut(action, appliesTo(action)));
    running = false;
    show();
    refresh();
  });

  /** A form of its own, since those chosen are on many pages; the browser saves what it answers. */
  async function download() {
    try {
      const ids = [...chosen.keys(), ...(whole ? await completedOf(whole, address("/api/v1/jobs"), mostAtOnce) : [])];
      if (ids.length > mostAtOnce) {
        tell(_("At most %(count)s are downloaded at once. Narrow the list down first.", { count: number.format(mostAtOnce) }), true);
        return;
      }
      const form = document.createElement("form");
      form.method = "post";
      form.action = bar.getAttribute("action");
      form.hidden = true;
      const fields = [["csrf_token", csrfToken], ["action", "export"], ["format", bar.elements.format.value]];
      for (const [name, value] of [...fields, ...ids.map((id) => ["job", id])]) {
        const field = document.createElement("input");
        Object.assign(field, { type: "hidden", name, value });
        form.append(field);
      }
      document.body.append(form);
      form.submit();
      form.remove();
      tell(ngettext("%(count)s is being downloaded.", "%(count)s are being downloaded.", ids.length, { count: number.format(ids.length) }));
    } catch (error) {
      tell(error.message, true);
    }
  }

  const appliesTo = (action) =>
    [...chosen].filter(([, status]) => APPLIES[action].includes(status)).map(([id]) => id);
  const applies = (action) => appliesTo(action).length + (whole?.count(APPLIES[action]) ?? 0);
  const mayApply = (action) => applies(action) > 0 || Boolean(whole?.mayHave(APPLIES[action]));
  const applying = (action) => counted(applies(action));
  const counted = (count) => number.format(count) + (whole && !whole.allCounted ? "+" : "");

  /** What was carried out is no longer selected; on an error the rest still is, to try again. */
  async function carryOut(action, ids, totals = {}) {
    try {
      for (let start = 0; start < ids.length && !stopped; start += mostAtOnce) {
        const form = new FormData();
        form.append("action", action);
        const some = ids.slice(start, start + mostAtOnce);
        for (const id of some) form.append("job", id);
        const { outcomes } = await api("POST", bar.getAttribute("action"), { form });
        for (const id of some) chosen.delete(id);
        add(totals, outcomes);
        tell(outcomesText(action, totals));
      }
      return true;
    } catch (error) {
      tell([outcomesText(action, totals), error.message].filter(Boolean).join(" "), true);
      return false;
    }
  }

  /**
   * Carry an action out on the whole list. What is done matches it no more, so after an error or a
   * stop the same can be asked for again.
   */
  async function carryOutOnAll(action) {
    const totals = {};
    const ids = appliesTo(action);
    const count = applies(action);
    const exactly = whole.allCounted;
    const all = counted(count);
    try {
      await whole.carryOut(action, bar.dataset.wholeAction, (outcomes) => {
        add(totals, outcomes);
        const values = { done: number.format(sum(totals)), count: all, outcomes: outcomesText(action, totals) };
        if (values.outcomes) tell(_("%(done)s of %(count)s: %(outcomes)s", values));
        show();
        return !stopped;
      });
    } catch (error) {
      tell([outcomesText(action, totals), error.message].filter(Boolean).join(" "), true);
      return;
    }
    if (!stopped && !(await carryOut(action, ids, totals))) return;
    if (!stopped && exactly && count > sum(totals)) totals.changed = count - sum(totals);
    const text = outcomesText(action, totals);
    tell(stopped ? _("Stopped: %(outcomes)s", { outcomes: text }) : text);
    if (!stopped) chooseNone();
  }

  function show() {
    for (const box of boxes()) box.checked = isChosen(box.value);
    const count = chosen.size + (whole?.count() ?? 0);
    const some = running || count > 0;
    bar.classList.toggle("some", some);
    bar.querySelector(".count").textContent = some
      ? ngettext("%(count)s selected", "%(count)s selected", count, { count: counted(count) })
      : "";
    bar.querySelector("[data-select=all]").textContent = _("Select all in this list");
    bar.querySelector("[data-select=all]").hidden = running;
    bar.querySelector("[data-select=none]").textContent = running ? _("Stop") : _("Clear selection");
    for (const button of bar.querySelectorAll("button[name=action]")) {
      button.hidden = running || !mayApply(button.value);
      button.textContent = labelOf(button.value, applying(button.value));
    }
    bar.querySelector(".export-many").hidden = running || !mayApply("export");
  }

  show();
}

function add(totals, outcomes) {
  for (const [outcome, count] of Object.entries(outcomes)) {
    totals[outcome] = (totals[outcome] ?? 0) + count;
  }
}

function sum(totals) {
  return Object.values(totals).reduce((all, count) => all + count, 0);
}

function labelOf(action, count) {
  if (action === "export") return _("Download %(count)s", { count });
  if (action === "cancel") return _("Cancel %(count)s", { count });
  if (action === "retry") return _("Try %(count)s again", { count });
  return _("Delete %(count)s", { count });
}

function sureToDelete(count, text) {
  return confirmAction(
    ngettext("Delete %(num)s job?", "Delete %(num)s jobs?", count, { num: text }),
    _("Each with its transcript and its recording, for good."),
    _("Delete %(count)s", { count: text }),
  );
}

/** Count the outcomes in a sentence, the same as `outcomes_text` of web/pages/listing/selection.py. */
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
    no_hours: _("%(count)s not queued: you have submitted as much this month as you may"),
    in_use: _("%(count)s not queued: their recording is being transcribed already"),
    gone: _("%(count)s no longer there"),
    changed: _("%(count)s had changed meanwhile and were left alone"),
  };
  const said = Object.keys(words)
    .filter((outcome) => outcomes[outcome])
    .map((outcome) => words[outcome].replace("%(count)s", number.format(outcomes[outcome])));
  return said.length ? _("%(outcomes)s.", { outcomes: said.join(_(", ")) }) : "";
}
