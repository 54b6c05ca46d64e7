/**
 * What was changed on this page and can be undone, and what was undone and can be done again. A change
 * is {row, before, after} with texts, or {before, after} with the states of several sentences.
 */
export class Past {
  constructor(editing) {
    this.editing = editing;
    this.done = [];
    this.undone = [];
    this.isUndone = false; // whether the last step was one back
  }

  get last() {
    return this.done.at(-1);
  }

  remember(change) {
    this.done.push(change);
    this.undone = [];
    this.isUndone = false;
  }

  /** Somebody else changed the sentence since: there is nothing to come back to. */
  forget(row) {
    this.keepOnly((one) => one.row !== row);
  }

  /** A change was not made after all. */
  drop(change) {
    this.keepOnly((one) => one !== change);
  }

  keepOnly(isKept) {
    this.done = this.done.filter(isKept);
    this.undone = this.undone.filter(isKept);
    this.isUndone &&= this.undone.length > 0;
  }

  /** Returns whether there is something to undo. */
  undo() {
    return this.step("done", "undone", (one) => one.before);
  }

  redo() {
    return this.step("undone", "done", (one) => one.after);
  }

  /** An open editor moves to where something is undone. */
  step(from, to, what) {
    const one = this[from].at(-1);
    if (!one) return false;
    const { editing } = this;
    const isEditing = Boolean(editing.editor);
    editing.editor?.end(null, { left: true });
    this.move(one, from, to);
    [editing.place] = one.row ? [one.row] : what(one).map(({ row }) => row);
    if (one.row) editing.change(one.row, what(one), { remember: false });
    else editing.changes.apply(what(one), () => this.move(one, to, from));
    if (!one.row) editing.tell("saved");
    const rows = one.row ? [one.row] : what(one).map(({ row }) => row);
    const row = rows.find((each) => each.isConnected);
    row?.scrollIntoView({ block: "nearest" });
    if (isEditing && row) editing.open(row);
    return true;
  }

  move(one, from, to) {
    if (!this[from].includes(one)) return;
    this[from] = this[from].filter((other) => other !== one);
    this[to].push(one);
    this.isUndone = to === "undone";
  }
}
