import * as sentence from "./sentence.js";

/**
 * What was changed on this page and can be undone, and what was undone and can be done again. A change
 * is {n, before, after} with texts, or {before, after} with the states of several sentences.
 */
export class Past {
  constructor(editing) {
    this.editing = editing;
    this.done = [];
    this.undone = [];
    this.isUndone = false; // whether the last step was one back
    this.earlier = Promise.resolve();
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
  forget(n) {
    this.done = this.done.filter((one) => one.n !== n);
    this.undone = this.undone.filter((one) => one.n !== n);
    this.isUndone &&= this.undone.length > 0;
  }

  /** Returns whether there is something to undo. */
  undo() {
    const has = this.done.length > 0;
    if (has) this.after(() => this.step("done", "undone", (one) => one.before));
    return has;
  }

  redo() {
    const has = this.undone.length > 0;
    if (has) this.after(() => this.step("undone", "done", (one) => one.after));
    return has;
  }

  /** Act once what was begun before is over: each change names the revisions that the last one left. */
  after(act) {
    const next = this.earlier.then(act);
    this.earlier = next.catch(() => null);
    return next;
  }

  /** An open editor moves to where something is undone. */
  async step(from, to, what) {
    const one = this[from].at(-1);
    if (!one) return;
    const { editing } = this;
    const isEditing = Boolean(editing.editor);
    editing.editor?.end(null, { left: true });
    if (one.n === undefined && !(await editing.changes.apply(what(one)))) return;
    this.isUndone = to === "undone";
    if (one.n !== undefined) editing.change(one.n, what(one), { remember: false });
    this[from] = this[from].filter((other) => other !== one);
    this[to].push(one);
    if (one.n === undefined) editing.tell("saved");
    const numbers = one.n !== undefined ? [one.n] : what(one).map(({ n }) => n);
    const row = numbers.map(sentence.rowOf).find(Boolean);
    row?.scrollIntoView({ block: "nearest" });
    if (isEditing && row) editing.open(row);
  }
}
