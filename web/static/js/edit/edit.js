// Correcting the transcript in place.
import { Editor } from "./editor.js";
import { chooseVersion, showHistory } from "./dialogs.js";
import { pairOf, teach } from "./offer.js";
import { Saving } from "./saving.js";
import * as sentence from "./sentence.js";
import { Status } from "./status.js";
import { sentenceTools } from "./tools.js";
import { api } from "../page/api.js";
import { _, ngettext } from "../page/i18n.js";

const FIELDS = "input, textarea, select, [contenteditable]";

/** Make the sentences of this page editable. Tells of each change by `transcript:changed`. */
export function editTranscript({ speakers }) {
  const list = sentence.list();
  if (list?.dataset.address) new Editing(list, speakers);
}

class Editing {
  constructor(list, speakers) {
    this.list = list;
    this.editor = null;
    this.done = []; // what can be undone, {n, before, after}, the latest last
    this.undone = [];
    this.status = new Status();
    this.saving = new Saving(list.dataset.address, (n) => this.known(n), {
      saved: (n, saved) => this.saved(n, saved),
      conflict: (n, kept, current) => this.decide(n, kept, current),
      refused: (n, kept, error) => this.refused(n, kept, error),
      state: (state) => this.tell(state),
    });
    sentenceTools({
      edit: (row) => this.open(row),
      assign: speakers && ((row) => speakers.assign(row)),
      history: (row) => this.history(row),
    });
    list.addEventListener("dblclick", (event) => {
      const row = event.target.closest(".text") && sentence.rowAround(event.target);
      if (row) this.open(row);
    });
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("pagehide", () => this.editor?.touched && this.saveAndLeave());
    this.filter = document.querySelector("[data-corrected]");
    this.filter?.addEventListener("click", () => this.showOnlyCorrected());
    const ruled = document.querySelector("[data-ruled-only]");
    ruled?.addEventListener("click", () => this.showOnlyRuled(ruled));
    this.count();
    this.resume();
  }

  known(n) {
    const row = sentence.rowOf(n);
    return { base: sentence.textOf(row), revision: sentence.revisionOf(row) };
  }

  /** Send again what was unsent when the page was left, and offer drafts. */
  resume() {
    for (const [n, kept] of Object.entries(this.saving.kept)) {
      const row = sentence.rowOf(n);
      if (!row || kept.text === sentence.textOf(row)) this.saving.forget(n);
      else if (kept.wanted) sentence.showText(row, kept.text);
      else this.offer(row, kept, this.unfinished(row));
    }
    this.saving.sendAll();
  }

  unfinished(row) {
    return _("A correction at %(time)s was not finished.", { time: sentence.timeOf(row) });
  }

  offer(row, kept, words) {
    const n = sentence.numberOf(row);
    this.status.say(
      words,
      [
        [_("Continue"), () => this.open(row, kept.text)],
        [_("Discard"), () => this.discard(n)],
      ],
      { lasting: true },
    );
  }

  discard(n) {
    this.saving.forget(n);
    this.reload(n);
    this.status.say(_("Discarded."));
  }

  // --- one sentence ----------------------------------------------------------------------------

  open(row, draft = null) {
    if (this.editor?.row === row) return;
    this.editor?.end(this.editor.value, { left: true });
    const n = sentence.numberOf(row);
    const before = this.saving.kept[n] ?? null;
    const shown = sentence.textOf(row);
    row.scrollIntoView({ block: "nearest" });
    this.editor = new Editor(row, draft ?? shown, {
      changed: (text) => this.saving.draft(n, text),
      done: (text, { left = false }) => {
        this.editor = null;
        if (text === null || text === shown) this.saving.forget(n, before);
        else this.change(n, text);
        if (!left) row.querySelector(".at").focus({ preventScroll: true });
        this.event("transcript:edited", n);
      },
    });
    this.event("transcript:editing", n);
    if (draft === null && !before) this.refresh(n);
  }

  /** Begin from what the server has now, if somebody changed it since the page was loaded. */
  async refresh(n) {
    const { editor } = this;
    const now = await api("GET", `${this.saving.address}/sentences/${n}`).catch(() => null);
    const row = sentence.rowOf(n);
    if (!now || now.revision === sentence.revisionOf(row)) return;
    if (this.editor !== editor || editor.touched || this.saving.kept[n]) return;
    sentence.showSaved(row, now);
    editor.restart(now.text);
    this.count();
    this.event("transcript:changed", n);
  }

  change(n, text, { remember = true } = {}) {
    const row = sentence.rowOf(n);
    // What stood there: a draft of this very change may be what is kept.
    const before = sentence.textOf(row);
    if (remember) {
      this.done.push({ n, before, after: text });
      this.undone = [];
    }
    sentence.showText(row, text);
    this.saving.want(n, text);
  }

  saveAndLeave() {
    const { row, value } = this.editor;
    const n = sentence.numberOf(row);
    // No answer is heard. Should this not get out, it is sent when the page is opened again, and
    // a text that has arrived already changes nothing.
    this.saving.put(n, value, true);
    const { revision } = this.saving.kept[n];
    api("PUT", `${this.saving.address}/sentences/${n}`, {
      json: { text: value, revision },
      keepalive: true,
    }).catch(() => {});
  }

  saved(n, saved) {
    const row = sentence.rowOf(n);
    const newer = this.saving.kept[n]?.wanted;
    if (newer) sentence.showState(row, saved);
    else sentence.showSaved(row, saved);
    this.count();
    const last = this.done.at(-1);
    this.pair = last?.n === n && last.after === saved.text ? pairOf(saved, last.before) : null;
    this.event("transcript:changed", n);
  }

  async reload(n) {
    const now = await api("GET", `${this.saving.address}/sentences/${n}`).catch(() => null);
    const row = sentence.rowOf(n);
    if (now && row && !this.saving.kept[n]) {
      sentence.showSaved(row, now);
      this.count();
    }
  }

  // --- what went another way -------------------------------------------------------------------

  async decide(n, kept, current) {
    const row = sentence.rowOf(n);
    if (this.editor?.row === row) return; // it comes up again when that is saved
    this.status.clear();
    const text = await chooseVersion(kept, current);
    if (text === null) {
      const time = sentence.timeOf(row);
      this.offer(row, kept, _("Your correction at %(time)s is not saved. It is kept here.", { time }));
      return;
    }
    this.saving.forget(n);
    this.done = this.done.filter((one) => one.n !== n);
    this.undone = this.undone.filter((one) => one.n !== n);
    sentence.showSaved(row, current);
    if (text === current.text) {
      this.count();
      this.event("transcript:changed", n);
      this.tell("saved");
    } else {
      this.change(n, text);
    }
    row.querySelector(".at").focus({ preventScroll: true });
  }

  refused(n, kept, error) {
    const row = sentence.rowOf(n);
    if (error.status === 400 && !this.editor) {
      this.open(row, kept.text);
      this.editor.tell(_("This is too long for one sentence. Shorten it."));
      return;
    }
    const why =
      error.status === 404
        ? _("The transcript is gone: it was deleted.")
        : _("Not saved. Reload the page and sign in again if it asks you to; your text is kept.");
    this.status.say(why, [], { lasting: true, tone: "bad" });
  }

  tell(state) {
    if (state === "saving") {
      this.status.say(_("Saving…"), [], { lasting: true });
    } else if (state === "offline") {
      this.status.say(
        _("Not saved: no connection. It is kept here and will be tried again."),
        [[_("Try now"), () => this.saving.sendAll()]],
        { lasting: true, tone: "bad" },
      );
    } else if (this.done.length) {
      const { pair } = this;
      const offer = pair ? [[_("Write it so from now on"), () => this.teach(pair)]] : [];
      this.status.say(_("Saved."), [[_("Undo"), () => this.undo()], ...offer]);
    } else {
      this.status.say(_("Saved."), this.undone.length ? [[_("Redo"), () => this.redo()]] : []);
    }
  }

  /** Add what was corrected to the person's list of words. */
  async teach(pair) {
    this.status.clear();
    const taught = await teach(pair);
    if (taught) this.status.say(_("From now on “%(wrong)s” is written “%(right)s”.", taught));
  }

  // --- back and forth --------------------------------------------------------------------------

  undo() {
    this.move(this.done, this.undone, (one) => one.before);
  }

  redo() {
    this.move(this.undone, this.done, (one) => one.after);
  }

  move(from, to, textOf) {
    const one = from.pop();
    if (!one) return;
    to.push(one);
    const row = sentence.rowOf(one.n);
    row.scrollIntoView({ block: "nearest" });
    this.change(one.n, textOf(one), { remember: false });
  }

  async history(row) {
    const n = sentence.numberOf(row);
    const address = this.saving.address;
    const chosen = await showHistory(address, n, sentence.timeOf(row)).catch((error) => {
      this.status.say(error.message, [], { tone: "bad" });
      return null;
    });
    if (chosen && chosen.text !== sentence.textOf(row)) this.change(n, chosen.text);
    row.querySelector(".at").focus({ preventScroll: true });
  }

  key(event) {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    if (event.target.closest?.(FIELDS) || document.querySelector("dialog[open]")) return;
    const letter = event.key?.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      const back = letter === "z" && !event.shiftKey;
      const forth = (letter === "z" && event.shiftKey) || letter === "y";
      if ((back && this.done.length) || (forth && this.undone.length)) {
        event.preventDefault();
        if (back) this.undo();
        else this.redo();
      }
    } else if (letter === "e" && !event.shiftKey) {
      const row =
        sentence.rowAround(document.activeElement) ??
        this.list.querySelector(":scope > li.now") ??
        sentence.rowAround(document.querySelector(".sentence-tools"));
      if (!row) return;
      event.preventDefault();
      this.open(row);
    }
  }

  // --- the whole -------------------------------------------------------------------------------

  count() {
    if (!this.filter) return;
    const num = this.list.querySelectorAll(":scope > .corrected:not(.by-rule)").length;
    this.filter.hidden = num === 0;
    this.filter.textContent = ngettext("%(num)s corrected", "%(num)s corrected", num);
    if (num === 0) this.showOnlyCorrected(false);
    const ruled = document.querySelector("[data-ruled]");
    if (!ruled) return;
    const ruledNum = this.list.querySelectorAll(":scope > .by-rule").length;
    ruled.textContent = ngettext(
      "Rules changed %(num)s sentence.",
      "Rules changed %(num)s sentences.",
      ruledNum,
    );
  }

  showOnlyCorrected(only = this.filter.getAttribute("aria-pressed") !== "true") {
    this.filter.setAttribute("aria-pressed", only);
    this.list.classList.toggle("only-corrected", only);
  }

  showOnlyRuled(button) {
    const only = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", only);
    this.list.classList.toggle("only-ruled", only);
  }

  event(name, n) {
    this.list.dispatchEvent(new CustomEvent(name, { detail: { n }, bubbles: true }));
  }
}
