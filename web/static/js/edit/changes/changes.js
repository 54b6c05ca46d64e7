// Changes of several sentences at once: splitting, joining and moving them, and taking that back.
import { _ } from "../../page/i18n.js";
import { clock } from "../../page/quantities.js";
import * as sentence from "../sentence.js";
import { Pending } from "./pending.js";
import { ShownRows } from "./shown_rows.js";

const STEP_S = 0.1;
const SHORTEST_S = 0.05;
const SPACED = /[\p{Script=Latin}\p{Script=Hangul}\p{N}.,?!;:]$/u;
const BEGINS_SPACED = /^[\p{Script=Latin}\p{Script=Hangul}\p{N}]/u;

/** Each is shown at once; Pending sends it. */
export class Changes {
  constructor(editing, player, reading) {
    this.editing = editing;
    this.player = player;
    this.reading = reading;
    this.shown = new ShownRows(editing);
    this.pending = new Pending(editing, this.shown);
  }

  /** Split the open sentence at the caret, at the time of the word that follows it. */
  async split() {
    const { editor } = this.editing;
    const words = this.reading?.words;
    if (words && !words.areKnown) {
      editor.field.readOnly = true;
      await words.load();
      editor.field.readOnly = false;
      if (this.editing.editor !== editor) return;
    }
    this.splitIn(editor);
  }

  splitIn(editor) {
    const { row } = editor;
    const { value, selectionStart: at } = editor.field;
    const [before, after] = [value.slice(0, at).trim(), value.slice(at).trim()];
    if (!before || !after) {
      this.editing.status.say(_("Put the caret between two words to split the sentence there."));
      return;
    }
    const was = sentence.stateOf(row);
    const [end, start] = this.timesAround(was, value, at);
    const second = this.shown.newRow(row, start, was.end);
    const isUntouched = (textOf) => textOf(row) === before && textOf(second) === after;
    const rescue = (textOf) => [
      [row, isUntouched(textOf) ? value.trim() : joined(textOf(row), textOf(second))],
    ];
    this.leave(editor);
    this.make(
      [
        { ...was, text: before, end },
        { row: second, text: after, start, end: was.end },
      ],
      { rescue, draft: value.trim() === was.text ? null : [row, value.trim()] },
    );
    this.editing.open(second, { select: [0, 0] });
  }

  /** Join the open sentence with the one before. Returns whether there is one. */
  join() {
    const { editor } = this.editing;
    const row = sentence.beside(editor.row, -1);
    if (!row) return false;
    const [one, other] = [sentence.stateOf(row), sentence.stateOf(editor.row)];
    const said = editor.value;
    const text = joined(one.text, said);
    const rescue = (textOf) => [textOf(row) === text ? [other.row, said] : [row, textOf(row)]];
    this.leave(editor);
    this.make(
      [
        { ...one, text, end: Math.max(one.end, other.end) },
        { ...other, text: "" },
      ],
      { rescue, draft: said === other.text ? null : [other.row, said] },
    );
    const at = text.length - said.length;
    this.editing.open(row, { select: [at, at] });
    return true;
  }

  /** Move where the open sentence starts or ends by a step, or to what is heard now. */
  move(edge, by) {
    this.moved(edge, (time) => time + by * STEP_S);
  }

  startNow() {
    if (this.player) this.moved("start", () => this.player.time);
  }

  moved(edge, timeOf) {
    const { row } = this.editing.editor;
    const was = sentence.stateOf(row);
    const beside = sentence.beside(row, edge === "start" ? -1 : 1);
    const other = beside && sentence.stateOf(beside);
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
    if (is.start !== was.start || is.end !== was.end) this.make(states);
    const times = { start: exact(is.start), end: exact(is.end) };
    this.editing.status.say(_("From %(start)s to %(end)s.", times), [
      [_("Undo"), () => this.editing.past.undo()],
    ]);
  }

  /** Where the word before a character of the text ends, and the one behind it starts. */
  timesAround({ row, start, end }, text, at) {
    const words = this.reading?.words.within(sentence.numberOf(row), text) ?? [];
    const before = words.findLast((word) => word.from < at);
    const after = words.find((word) => word.from >= at);
    const guess = start + ((end - start) * at) / text.length;
    const from = round(Math.min(end, Math.max(start, after?.start ?? before?.end ?? guess)));
    return [round(Math.min(from, Math.max(start, before?.end ?? from))), from];
  }

  /** Give sentences other texts, each {row, after}, as one change. Resolves to whether it was made. */
  write(texts) {
    return this.make(texts.map(({ row, after }) => ({ ...sentence.stateOf(row), text: after })));
  }

  /** Give a sentence another text, of which a change is on its way. Resolves to whether it was made. */
  rewrite(row, text) {
    const rescue = (textOf) => [[row, textOf(row)]];
    return this.pending.make([{ ...sentence.stateOf(row), text }], { rescue, draft: [row, text] });
  }

  // --- how they are made -----------------------------------------------------------------------

  /** Close the editor whose text a change takes over. */
  leave(editor) {
    editor.end(null, { left: true });
  }

  /** Make a change that can be undone. Resolves to whether the server took it. */
  make(after, options = {}) {
    const { past } = this.editing;
    const change = { before: after.map(({ row }) => sentence.stateOf(row)), after };
    past.remember(change);
    return this.pending.make(after, { ...options, refused: () => past.drop(change) });
  }

  /** Make sentences what they were before a change, or what they became; `refused` if the server does not. */
  apply(states, refused) {
    this.pending.make(states, { refused });
  }

  /** Wait for all that was changed to be saved. Resolves to whether it is, and tells if it is not. */
  async settled() {
    await this.pending.sent;
    const { saving, status } = this.editing;
    if (await saving.settled()) return true;
    status.say(
      _("This needs what was corrected before to be saved, and that is not. Try again then."),
      [[_("Try now"), () => saving.sendAll()]],
      { tone: "bad" },
    );
    return false;
  }
}

const round = (seconds) => Math.round(seconds * 1000) / 1000;

/** Two texts as one, with a space between where both are written with spaces. */
function joined(one, other) {
  return one + (SPACED.test(one) && BEGINS_SPACED.test(other) ? " " : "") + other;
}

/** A time with its tenths, 1:02.3. */
function exact(seconds) {
  const tenths = Math.round(seconds * 10);
  return `${clock(tenths / 10)}.${tenths % 10}`;
}
