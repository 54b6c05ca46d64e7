// Changes of several sentences at once: splitting, joining and moving them, and taking that back.
import { api } from "../page/api.js";
import { _ } from "../page/i18n.js";
import { clock } from "../page/quantities.js";
import { rowsOf } from "../transcript/rows.js";
import * as sentence from "./sentence.js";

const STEP_S = 0.1;
const MOST_AT_ONCE = 2000; // the server takes no more
const SHORTEST_S = 0.05;
const SPACED = /[\p{Script=Latin}\p{Script=Hangul}\p{N}.,?!;:]$/u;
const BEGINS_SPACED = /^[\p{Script=Latin}\p{Script=Hangul}\p{N}]/u;

/** Makes them on the server first: a page never shows what only half arrived. */
export class Changes {
  constructor(editing, player, reading) {
    this.editing = editing;
    this.player = player;
    this.reading = reading;
    this.gone = new Map(); // rows of sentences that are part of another, by their numbers
  }

  // --- in the editor ---------------------------------------------------------------------------

  /** Split the open sentence at the caret, at the time of the word that follows it. */
  split() {
    const { editor } = this.editing;
    this.editing.past.after(() => this.splitIn(editor));
  }

  async splitIn(editor) {
    const { value, selectionStart: at } = editor.field;
    const [before, after] = [value.slice(0, at).trim(), value.slice(at).trim()];
    if (!before || !after) {
      this.editing.status.say(_("Put the caret between two words to split the sentence there."));
      return;
    }
    const was = this.stateOf(editor.row);
    const [end, start] = await this.timesAround(was, value, at);
    const wanted = [
      { ...was, text: before, end },
      { n: null, text: after, start, end: was.end },
    ];
    const made = await this.within(editor, wanted);
    if (!made) return;
    const first = editor.row;
    this.show(made, first);
    this.remember([was, { ...stateIn(made[1]), text: "" }], made);
    this.editing.open(sentence.rowOf(made[1].n), { select: [0, 0] });
  }

  /** Join the open sentence with the one before. Returns whether there is one. */
  join() {
    const row = sentence.neighbour(this.editing.editor.row, -1);
    const { editor } = this.editing;
    if (row) this.editing.past.after(() => this.joinWith(row, editor));
    return Boolean(row);
  }

  async joinWith(row, editor) {
    const [one, other] = [this.stateOf(row), this.stateOf(editor.row)];
    const said = editor.value;
    const space = SPACED.test(one.text) && BEGINS_SPACED.test(said) ? " " : "";
    const joined = { ...one, text: one.text + space + said, end: Math.max(one.end, other.end) };
    const made = await this.within(editor, [joined, { ...other, text: "" }]);
    if (!made) return;
    this.show(made);
    this.remember([one, other], made);
    const at = one.text.length + space.length;
    this.editing.open(row, { select: [at, at] });
  }

  /** Move where the open sentence starts or ends by a step, or to what is heard now. */
  move(edge, by) {
    const { row } = this.editing.editor;
    this.editing.past.after(() => this.moved(row, edge, (time) => time + by * STEP_S));
  }

  startNow() {
    if (!this.player) return;
    const { time } = this.player;
    const { row } = this.editing.editor;
    this.editing.past.after(() => this.moved(row, "start", () => time));
  }

  async moved(row, edge, timeOf) {
    if (!(await this.settled())) return;
    const was = this.stateOf(row);
    const beside = edge === "start" ? sentence.neighbour(row, -1) : sentence.neighbour(row, 1);
    const other = beside && this.stateOf(beside);
    const is = { ...was };
    const states = [is];
    // Neither passes the other: the sentence keeps its place, and some of its time.
    if (edge === "start") {
      const earliest = other ? other.start + SHORTEST_S : 0;
      is.start = round(Math.max(earliest, Math.min(timeOf(was.start), was.end - SHORTEST_S)));
      if (other && other.end > is.start) states.push({ ...other, end: is.start });
    } else {
      const latest = other ? other.end - SHORTEST_S : this.player?.duration || Infinity;
      is.end = round(Math.min(latest, Math.max(timeOf(was.end), was.start + SHORTEST_S)));
      if (other && other.start < is.end) states.push({ ...other, start: is.end });
    }
    const made = await this.post(states);
    if (!made) return;
    for (const one of made) this.editing.saving.rebase(one.n, one);
    this.show(made);
    this.remember([was, ...(states.length > 1 ? [other] : [])], made);
    const times = { start: exact(made[0].start), end: exact(made[0].end) };
    this.editing.status.say(_("From %(start)s to %(end)s.", times), [
      [_("Undo"), () => this.editing.past.undo()],
    ]);
  }

  /** Where the word before a character of the text ends, and the one behind it starts. */
  async timesAround({ n, start, end }, text, at) {
    await this.reading?.words.load();
    const words = this.reading?.words.within(n, text) ?? [];
    const before = words.findLast((word) => word.from < at);
    const after = words.find((word) => word.from >= at);
    const guess = start + ((end - start) * at) / text.length;
    const from = round(Math.min(end, Math.max(start, after?.start ?? before?.end ?? guess)));
    return [round(Math.min(from, Math.max(start, before?.end ?? from))), from];
  }

  /** Give sentences other texts, each {row, after}, as one change. Resolves to whether it was made. */
  async write(texts) {
    if (!(await this.settled())) return false;
    const before = texts.map(({ row }) => this.stateOf(row));
    const made = await this.post(before.map((was, at) => ({ ...was, text: texts[at].after })));
    if (!made) return false;
    this.show(made);
    this.remember(before, made);
    return true;
  }

  // --- what is sent and shown ------------------------------------------------------------------

  /** A sentence as the page has it: what is sent to come back to it. */
  stateOf(row) {
    const { n, start, end } = row.dataset;
    return { n: Number(n), text: sentence.textOf(row), start: Number(start), end: Number(end) };
  }

  async settled() {
    if (await this.editing.saving.settled()) return true;
    this.editing.status.say(
      _("This needs what was corrected before to be saved, and that is not. Try again then."),
      [[_("Try now"), () => this.editing.saving.sendAll()]],
      { tone: "bad" },
    );
    return false;
  }

  /** Send a change that takes the place of what is in the editor, and close that once it is made. */
  async within(editor, states) {
    editor.field.readOnly = true;
    const made = (await this.settled()) && (await this.post(states));
    editor.field.readOnly = false;
    if (!made) return null;
    editor.end(null, { left: true });
    return made;
  }

  /** Send sentences. Resolves to what they are then, or to null where nothing was changed. */
  async post(states) {
    const sentences = states.map((one) => ({ ...one, revision: this.revisionOf(one.n) }));
    const { address } = this.editing.saving;
    const made = [];
    try {
      for (let at = 0; at < sentences.length; at += MOST_AT_ONCE) {
        const json = { sentences: sentences.slice(at, at + MOST_AT_ONCE) };
        made.push(...(await api("POST", `${address}/revisions`, { json })).sentences);
      }
      return made;
    } catch (error) {
      this.failed(error);
      return null;
    }
  }

  failed(error) {
    const current = error.code === "edited_meanwhile" && error.body.current;
    if (!current) {
      this.editing.status.say(error.message, [], { lasting: true, tone: "bad" });
      return;
    }
    this.show([current]);
    const time = clock(current.start);
    this.editing.status.say(
      _("Somebody else changed the sentence at %(time)s meanwhile. Here it is as it is now; nothing else was changed.", { time }),
      [],
      { lasting: true, tone: "bad" },
    );
  }

  revisionOf(n) {
    const row = n === null ? null : (sentence.rowOf(n) ?? this.gone.get(n));
    return row ? sentence.revisionOf(row) : 0;
  }

  /** Show sentences as the server has them now; a new one looks like `model`. */
  show(made, model = null) {
    for (const one of made) {
      const row = sentence.rowOf(one.n) ?? this.gone.get(one.n) ?? sentence.rowLike(model, one);
      row.dataset.start = one.start;
      row.dataset.end = one.end;
      row.querySelector(".at").textContent = clock(one.start);
      sentence.showSaved(row, one);
      this.place(row, isPart(one, made));
    }
    this.editing.filters.count();
    this.editing.event("transcript:restructured", made.map((one) => one.n));
  }

  /** Put a row where its time is, or away if the sentence became part of another. */
  place(row, isGone) {
    const n = sentence.numberOf(row);
    if (isGone) {
      row.remove();
      this.gone.set(n, row);
    } else if (!row.isConnected) {
      this.gone.delete(n);
      const start = Number(row.dataset.start);
      const rows = rowsOf(this.editing.list);
      const next = rows.find((one) => Number(one.dataset.start) > start);
      if (next) next.before(row);
      else rows.at(-1).after(row);
    }
  }

  remember(before, made) {
    const after = made.map(stateIn);
    this.editing.past.remember({ before: before.map((one, at) => ({ ...one, n: after[at].n })), after });
  }

  /** Make sentences what they were before a change, or what they became. Resolves to whether it worked. */
  async apply(states) {
    const made = (await this.settled()) && (await this.post(states));
    if (!made) return false;
    this.show(made);
    return true;
  }
}

const round = (seconds) => Math.round(seconds * 1000) / 1000;

const stateIn = ({ n, text, start, end }) => ({ n, text, start, end });

/** Whether nothing is left of a sentence that belongs to another now. */
function isPart(one, made) {
  if (one.text) return false;
  const holds = (other) => other.text && other.start <= one.start && one.end <= other.end;
  return one.origin !== null || made.some(holds);
}

/** A time with its tenths, 1:02.3. */
function exact(seconds) {
  const tenths = Math.round(seconds * 10);
  return `${clock(tenths / 10)}.${tenths % 10}`;
}
