import { api } from "../../page/api.js";
import { _ } from "../../page/i18n.js";
import { stayWhile } from "../../page/leaving.js";
import { clock } from "../../page/quantities.js";
import * as sentence from "../sentence.js";

const MOST_AT_ONCE = 2000; // the server takes no more
const UNSAVED = new Error("what was corrected before is not saved");

/**
 * Changes of several sentences that are shown at once and sent one after the other, each from what the
 * one before left. What the server refuses is taken back with all that came after it, and what was typed
 * meanwhile is kept: nobody waits for an answer, and nothing that half arrived stays on the page.
 */
export class Pending {
  constructor(editing, shown) {
    this.editing = editing;
    this.shown = shown;
    this.queue = [];
    this.isSending = false;
    this.sent = Promise.resolve();
    stayWhile(() => this.queue.length > 0);
  }

  /** Whether a sentence is in a change that the server has not taken yet. */
  has(row) {
    return this.queue.some(({ after }) => after.some((one) => one.row === row));
  }

  /**
   * Show states of sentences and send them. Resolves to whether the server took them; where not,
   * `refused` is called and `rescue` gives what is to be kept of texts, as [row, text] pairs: it gets
   * what tells a row's text. `draft` is kept in this browser until then, as [row, text].
   */
  make(after, { rescue = typedSince(after), refused = () => {}, draft = null } = {}) {
    const before = after.map(({ row }) => ({ ...sentence.stateOf(row), isGone: !row.isConnected }));
    const change = { before, after, rescue, refused, kept: draft && this.keep(...draft) };
    const made = new Promise((resolve) => (change.end = resolve));
    this.queue.push(change);
    this.shown.show(after);
    if (!this.isSending) this.sent = this.sendAll();
    return made;
  }

  /** Keep a text that would be lost if the page were, and return what is kept. */
  keep(row, text) {
    if (sentence.isNew(row)) return null; // of this page alone: the text that it was split off is kept
    const n = sentence.numberOf(row);
    this.editing.saving.draft(n, text);
    return { n, one: this.editing.saving.kept[n] };
  }

  async sendAll() {
    this.isSending = true;
    while (this.queue.length) await this.sendNext();
    this.isSending = false;
  }

  async sendNext() {
    const { saving } = this.editing;
    if (!(await saving.settled())) {
      this.takeBack(UNSAVED);
      return;
    }
    const changes = this.next();
    const states = changes.at(-1).after;
    let made;
    try {
      made = await this.post(states);
    } catch (error) {
      this.takeBack(error);
      return;
    }
    this.queue.splice(0, changes.length);
    this.shown.showSaved(states.map(({ row }) => row), made, (row) => this.has(row));
    for (const one of made) saving.rebase(one.n, one);
    for (const { kept, end } of changes) {
      if (kept && saving.kept[kept.n] === kept.one) saving.forget(kept.n);
      end(true);
    }
  }

  /** Changes of the same sentences go as one: a key that is held down makes many. */
  next() {
    const [first] = this.queue;
    const rows = first.after.map(({ row }) => row);
    if (rows.some(sentence.isNew)) return [first];
    const isSame = ({ after }) => after.length === rows.length && after.every(({ row }, at) => row === rows[at]);
    const end = this.queue.findIndex((change) => !isSame(change));
    return end < 0 ? [...this.queue] : this.queue.slice(0, end);
  }

  /** Send sentences. Resolves to what they are then. */
  async post(states) {
    const { address } = this.editing.saving;
    const sentences = states.map(({ row, text, start, end }) => {
      const n = sentence.isNew(row) ? null : sentence.numberOf(row);
      return { n, revision: sentence.revisionOf(row), text, start, end };
    });
    const made = [];
    for (let at = 0; at < sentences.length; at += MOST_AT_ONCE) {
      const json = { sentences: sentences.slice(at, at + MOST_AT_ONCE) };
      made.push(...(await api("POST", `${address}/revisions`, { json })).sentences);
    }
    return made;
  }

  // --- what was refused ------------------------------------------------------------------------

  takeBack(error) {
    const { editing } = this;
    const { editor } = editing;
    const changes = this.queue.splice(0).reverse();
    const texts = new Map();
    const textOf = (row) => texts.get(row) ?? (editor?.row === row ? editor.value : sentence.textOf(row));
    for (const { rescue } of changes) for (const [row, text] of rescue(textOf)) texts.set(row, text);
    const isOpen = changes.some(({ after }) => after.some(({ row }) => row === editor?.row));
    if (isOpen) editor.end(null, { left: true });
    for (const { before, refused, end } of changes) {
      this.shown.show(before);
      refused();
      end(false);
    }
    const lost = [...texts].filter(([row, text]) => row.isConnected && text !== sentence.textOf(row));
    for (const [row, text] of lost) editing.saving.draft(sentence.numberOf(row), text);
    const row = isOpen && editor.row.isConnected ? editor.row : changes.at(-1).after[0].row;
    const [left = [row, null]] = lost.slice(-1); // of the first change
    const goOn = () => this.editing.open(left[0], left[1] === null ? { select: [0, 0] } : { draft: left[1] });
    const mayOpen = isOpen && !document.querySelector("dialog[open]");
    this.say(error, lost.length && !mayOpen ? [[_("Continue"), goOn]] : []);
    if (mayOpen) goOn();
  }

  say(error, actions) {
    const { saving, status } = this.editing;
    const current = error.code === "edited_meanwhile" && error.body.current;
    let words = error.message;
    if (error === UNSAVED) {
      words = _("This needs what was corrected before to be saved, and that is not. Try again then.");
      actions.push([_("Try now"), () => saving.sendAll()]);
    } else if (current) {
      const row = this.shown.rowOf(current.n);
      if (row) this.shown.showSaved([row], [current]);
      const time = clock(current.start);
      words = _("Somebody else changed the sentence at %(time)s meanwhile. Here it is as it is now; nothing else was changed.", { time });
    }
    status.say(words, actions, { lasting: true, tone: "bad" });
  }
}

/** Texts that are others than a change made them: somebody went on writing. */
const typedSince = (after) => (textOf) =>
  after.filter(({ row, text }) => text && textOf(row) !== text).map(({ row }) => [row, textOf(row)]);
