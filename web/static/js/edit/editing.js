// Correcting the transcript in place.
import { api } from "../page/api.js";
import { _, ngettext } from "../page/i18n.js";
import { pairOf, teach } from "../replacements/offer.js";
import { Replace } from "../replacements/replace.js";
import { whenIdle } from "../transcript/quiet.js";
import { Changes } from "./changes/changes.js";
import { chooseVersion, showHistory } from "./conflict_and_history_dialogs.js";
import { Editor } from "./open_sentence.js";
import { Filters } from "./filters.js";
import { keepInView } from "./keep_in_view.js";
import { keyInEditor, listenOutside } from "./keys.js";
import { Moves } from "./sentence_navigation.js";
import { Past } from "./undo_redo.js";
import { Saving } from "./unsaved_corrections.js";
import * as sentence from "./sentence.js";
import { Status } from "./status.js";
import { sentenceTools } from "./tools.js";

/**
 * Make the sentences of this page editable. Tells of each change by `transcript:changed`. The player
 * and the Reading are null where there is no recording to be heard.
 */
export function editTranscript({ speakers, player, reading, find }) {
  const list = sentence.list();
  if (list?.dataset.address) new Editing(list, { speakers, player, reading, find });
}

class Editing {
  constructor(list, { speakers, player, reading, find }) {
    this.list = list;
    this.moves = new Moves(this, player, reading);
    this.changes = new Changes(this, player, reading);
    this.speakers = speakers;
    this.editor = null;
    this.past = new Past(this);
    this.replace = find && new Replace(this, find);
    this.place = null; // the row that was worked on last
    this.status = new Status(() => this.place?.querySelector(".at").focus({ preventScroll: true }));
    this.saving = new Saving(list.dataset.address, (n) => this.known(n), {
      saved: (n, saved) => this.saved(n, saved),
      conflict: (n, kept, current) => this.decide(n, kept, current),
      refused: (n, kept, error) => this.refused(n, kept, error),
      state: (state, error) => this.tell(state, error),
    });
    sentenceTools({
      edit: (row) => this.open(row),
      // Those around it are named by their numbers too.
      assign: speakers && ((row) => this.changes.pending.sent.then(() => row.isConnected && speakers.assign(row))),
      history: (row) => this.numbered(row, () => this.history(row)),
    });
    list.addEventListener("dblclick", (event) => this.doubleClicked(event));
    listenOutside(this);
    addEventListener("pagehide", () => this.editor?.touched && this.saveAndLeave());
    keepInView(this);
    this.filters = new Filters(list);
    this.resume();
  }

  /** The row of a sentence that is shown, or became part of another. */
  rowOf(n) {
    return this.changes.shown.rowOf(n);
  }

  /** Whether a change of a sentence is on its way to the server. */
  isPending(row) {
    return this.changes.pending.has(row);
  }

  /** Do what needs the number that the server gives a sentence. */
  async numbered(row, act) {
    if (sentence.isNew(row)) await this.changes.pending.sent;
    if (row.isConnected) act();
  }

  known(n) {
    const row = this.rowOf(n);
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
        [_("Continue"), () => this.open(row, { draft: kept.text })],
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

  /** What a double click selected stays selected, for writing over it or copying it. */
  doubleClicked(event) {
    const paragraph = event.target.closest("p.text");
    const row = paragraph && sentence.rowAround(paragraph);
    if (!row || event.altKey) return; // with Alt a word is selected, and nothing opened
    const chosen = sentence.selectedIn(paragraph);
    getSelection().removeAllRanges();
    this.open(row, { select: chosen });
  }

  /** Open a sentence, with `draft` or its own text, and with the part `select` of it selected. */
  open(row, { draft = null, select = null } = {}) {
    if (this.editor?.row === row) {
      if (select) this.editor.select(...select);
      return;
    }
    this.editor?.end(this.editor.value, { left: true });
    this.place = row;
    const numberNow = () => sentence.numberOf(row); // a new sentence gets another
    const before = this.saving.kept[numberNow()] ?? null;
    const shown = sentence.textOf(row);
    const text = draft ?? shown;
    this.editor = new Editor(row, text, select ?? [text.length, text.length], {
      key: (event) => keyInEditor(event, this),
      enter: () => this.moves.next(),
      changed: (text) => this.saving.draft(numberNow(), text),
      done: (text, { left = false }) => {
        this.editor = null;
        if (text === null || text === shown) this.saving.forget(numberNow(), before);
        else this.change(row, text);
        if (!left) row.querySelector(".at").focus({ preventScroll: true });
        this.event("transcript:edited", numberNow());
      },
    });
    row.scrollIntoView({ block: "nearest" }); // with its buttons
    this.event("transcript:editing", numberNow());
    if (draft === null && !before) whenIdle(() => this.refresh(row));
  }

  /** Begin from what the server has now, if somebody changed it since the page was loaded. */
  async refresh(row) {
    const { editor } = this;
    const isBusy = () => this.editor !== editor || editor?.row !== row || editor.touched || this.isPending(row);
    if (isBusy()) return;
    await this.saving.settled(); // the server has that first to do
    if (isBusy()) return;
    const n = sentence.numberOf(row);
    const now = await api("GET", `${this.saving.address}/sentences/${n}`).catch(() => null);
    if (!now || now.revision === sentence.revisionOf(row)) return;
    if (isBusy() || this.saving.kept[n]) return;
    sentence.showSaved(row, now);
    editor.restart(now.text);
    this.filters.count();
    this.event("transcript:changed", n);
  }

  /** Note that the speaker at a place of the panel, from 1, says a sentence. Returns whether one does. */
  saidBy(row, place) {
    if (!row || !this.speakers?.hasPlace(place)) return false;
    this.numbered(row, () => this.speakers.give(row, place));
    return true;
  }

  // --- what is saved ---------------------------------------------------------------------------

  change(row, text, { remember = true } = {}) {
    this.place = row;
    // What stood there: a draft of this very change may be what is kept.
    const change = { row, before: sentence.textOf(row), after: text };
    if (remember) this.past.remember(change);
    if (this.isPending(row)) {
      this.rewrite(change);
      return;
    }
    sentence.showText(row, text);
    this.saving.want(sentence.numberOf(row), text);
  }

  /** Change what a change that is on its way made: after that one. */
  async rewrite(change) {
    this.tell("saving");
    if (await this.changes.rewrite(change.row, change.after)) this.tell("saved");
    else this.past.drop(change);
  }

  saveAndLeave() {
    const { row, value } = this.editor;
    if (sentence.isNew(row)) return;
    const n = sentence.numberOf(row);
    if (this.isPending(row)) {
      this.saving.draft(n, value);
      return;
    }
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
    const row = this.rowOf(n);
    const newer = this.saving.kept[n]?.wanted || this.isPending(row);
    if (newer) sentence.showState(row, saved);
    else sentence.showSaved(row, saved);
    this.filters.count();
    const { last } = this.past;
    this.pair = last?.row === row && last.after === saved.text ? pairOf(saved, last.before) : null;
    if (this.pair) this.pair.row = row;
    this.event("transcript:changed", n);
  }

  async reload(n) {
    const now = await api("GET", `${this.saving.address}/sentences/${n}`).catch(() => null);
    const row = this.rowOf(n);
    if (now && row && !this.saving.kept[n] && !this.isPending(row)) {
      sentence.showSaved(row, now);
      this.filters.count();
    }
  }

  // --- what went another way -------------------------------------------------------------------

  async decide(n, kept, current) {
    const row = this.rowOf(n);
    this.status.clear();
    if (this.editor?.row === row) return; // it comes up again when that is saved or left
    const text = await chooseVersion(kept, current);
    if (text === null) {
      sentence.showSaved(row, current); // what is not saved is not shown as if it were
      this.filters.count();
      this.event("transcript:changed", n);
      const time = sentence.timeOf(row);
      this.offer(row, kept, _("Your correction at %(time)s is not saved. It is kept here.", { time }));
      return;
    }
    this.saving.forget(n);
    this.past.forget(row);
    sentence.showSaved(row, current);
    if (text === current.text) {
      this.filters.count();
      this.event("transcript:changed", n);
      this.tell("saved");
    } else {
      this.change(row, text);
    }
    row.querySelector(".at").focus({ preventScroll: true });
  }

  refused(n, kept, error) {
    const row = this.rowOf(n);
    if (error.status === 400) {
      this.open(row, { draft: kept.text }); // the next may be open by now, and is saved
      this.editor.tell(_("This is too long for one sentence. Shorten it."));
      return;
    }
    const why =
      error.status === 404
        ? _("The transcript is gone: it was deleted, or is no longer shared with you.")
        : _("Not saved. Reload the page and sign in again if it asks you to; your text is kept.");
    this.status.say(why, [], { lasting: true, tone: "bad" });
  }

  tell(state, error = null) {
    if (state === "saving") {
      this.status.say(_("Saving…"), [], { lasting: true });
    } else if (state === "offline") {
      this.status.say(
        error?.status === 401
          ? _("Not saved: you are signed out. Sign in again in another tab; your text is kept here and sent then.")
          : _("Not saved: no connection. It is kept here and will be tried again."),
        [[_("Try now"), () => this.saving.sendAll()]],
        { lasting: true, tone: "bad" },
      );
    } else if (this.past.isUndone) {
      const undo = [_("Undo"), () => this.past.undo()];
      const redo = [_("Redo"), () => this.past.redo()];
      this.status.say(_("Undone."), this.past.last ? [redo, undo] : [redo]);
    } else if (this.past.last) {
      const pair = this.pair?.row === this.past.last.row ? this.pair : null;
      const told = this.status.say(_("Saved."), [[_("Undo"), () => this.past.undo()]]);
      // Looked for in the whole transcript, which the next key need not wait for.
      if (pair) whenIdle(() => this.pair === pair && this.status.add(told, this.offersOf(pair)));
    } else {
      this.status.say(_("Saved."));
    }
  }

  /** What a correction says of other sentences and recordings: to write it there too. */
  offersOf(pair) {
    const places = this.replace ? this.replace.placesOf(pair) : [];
    if (!places) return []; // a common word, that is right elsewhere
    const teach = [_("Write it so from now on"), () => this.teach(pair)];
    if (!places.length) return [teach];
    const label = ngettext("The same in %(num)s other place", "The same in %(num)s other places", places.length);
    return [[label, () => this.replace.same(pair)], teach];
  }

  /** Add what was corrected to the person's list of words. */
  async teach(pair) {
    this.status.clear();
    const taught = await teach(pair);
    if (taught) this.status.say(_("From now on “%(wrong)s” is written “%(right)s”.", taught));
  }

  async history(row) {
    const n = sentence.numberOf(row);
    const { address } = this.saving;
    this.asked?.abort(); // pressed twice, or for another sentence
    const { signal } = (this.asked = new AbortController());
    const chosen = await showHistory(address, n, sentence.timeOf(row), signal).catch((error) => {
      if (!signal.aborted) this.status.say(error.message, [], { tone: "bad" });
      return null;
    });
    if (signal.aborted) return;
    if (chosen && chosen.text !== sentence.textOf(row)) this.change(row, chosen.text);
    row.querySelector(".at").focus({ preventScroll: true });
  }

  event(name, n) {
    this.list.dispatchEvent(new CustomEvent(name, { detail: { n }, bubbles: true }));
  }
}
