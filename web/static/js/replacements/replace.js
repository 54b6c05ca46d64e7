// Writing other words in the place of those that were found, one by one or everywhere.
import { build } from "../edit/build.js";
import { marked, open } from "../edit/conflict_and_history_dialogs.js";
import * as sentence from "../edit/sentence.js";
import { isComposing } from "../page/focus.js";
import { _, ngettext } from "../page/i18n.js";
import { rowsOf } from "../transcript/rows.js";

const MOST_SHOWN = 300;
const SURELY_RARE = 10; // places, in however few sentences
const RARE_SHARE = 0.1; // of the sentences
const IN_A_WORD = /[\p{Script=Latin}\p{N}]/u;

/** The row of the search field that replaces, and the preview of replacing everywhere. */
export class Replace {
  constructor(editing, find) {
    this.editing = editing;
    this.find = find;
    const { form } = find;
    this.button = form.querySelector("[data-do=replace]");
    this.row = form.querySelector(".replace");
    this.field = this.row.querySelector("input");
    this.button.addEventListener("click", () => this.toggle());
    form.querySelector("[data-do=replace-one]").addEventListener("click", () => this.one());
    form.querySelector("[data-do=replace-all]").addEventListener("click", () => this.all());
    this.field.addEventListener("keydown", (event) => {
      if (isComposing(event)) return;
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.all();
      else if (event.key === "Enter") this.one();
      else if (event.key === "Escape") find.close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** Open the search with the field for the other words. */
  open() {
    this.find.open();
    this.toggle(true);
    if (this.find.field.value) this.field.focus();
    else this.find.field.focus();
  }

  toggle(shown = this.row.hidden) {
    this.row.hidden = !shown;
    this.button.setAttribute("aria-expanded", String(shown));
    if (shown) this.field.focus();
  }

  /** Replace the match that is shown, and go to the next. */
  one() {
    const { find } = this;
    const match = find.current();
    if (!match) return;
    const row = sentence.rowOf(match.n);
    const text = sentence.textOf(row);
    const { value } = this.field;
    this.editing.change(row, text.slice(0, match.from) + value + text.slice(match.to));
    find.changed(match.n, match.from + value.length);
  }

  all() {
    this.everywhere(() => this.find.all(), this.field.value, this.find.field.value);
  }

  /**
   * Where a pair's wrong words stand in other sentences than its row. Null where that is more than
   * somebody looks through, or what a common word has, which is right in most places.
   */
  placesOf({ wrong, row: but }) {
    const rows = rowsOf(this.editing.list);
    const most = Math.min(MOST_SHOWN, Math.max(SURELY_RARE, RARE_SHARE * rows.length));
    const found = [];
    for (const row of rows) {
      if (row === but) continue;
      const text = sentence.textOf(row);
      const n = sentence.numberOf(row);
      for (const [from, to] of occurrences(text, wrong)) found.push({ n, from, to });
      if (found.length > most) return null;
    }
    return found;
  }

  /** Offer to write a pair's right words in the other places of its wrong ones too. */
  same(pair) {
    this.everywhere(() => this.placesOf(pair) ?? [], pair.right, pair.wrong);
  }

  /**
   * Show what would be written where, and write it where that is wanted: one change, undone at once.
   * `find` tells the places: once all is saved, for that gives new sentences their numbers.
   */
  async everywhere(find, value, wanted) {
    if (!find().length || !(await this.editing.changes.settled())) return;
    const places = placesByRow(find());
    if (!places.size || document.querySelector("dialog[open]")) return;
    const changes = [...places].map(([n, spans]) => {
      const row = sentence.rowOf(n);
      const text = sentence.textOf(row);
      return { row, text, after: written(text, spans, value), count: spans.length };
    });
    const chosen = await choose(changes, value, wanted);
    if (!chosen) return;
    if (!(await this.editing.changes.write(chosen))) return;
    const count = chosen.reduce((sum, one) => sum + one.count, 0);
    const words = ngettext("Replaced in %(num)s place.", "Replaced in %(num)s places.", count);
    const pair = wanted && value ? { wrong: wanted.trim(), right: value.trim() } : null;
    const teach = pair ? [[_("Write it so from now on"), () => this.editing.teach(pair)]] : [];
    this.editing.status.say(words, [[_("Undo"), () => this.editing.past.undo()], ...teach]);
  }
}

function placesByRow(matches) {
  const places = new Map();
  for (const { n, from, to } of matches) {
    if (!places.has(n)) places.set(n, []);
    places.get(n).push([from, to]);
  }
  return places;
}

/** The text with `value` in the place of the spans, which are in order. */
function written(text, spans, value) {
  let after = "";
  let end = 0;
  for (const [from, to] of spans) {
    after += text.slice(end, from) + value;
    end = to;
  }
  return (after + text.slice(end)).trim();
}

/** Where `wanted` stands, whatever its case, and not as a part of another word. */
function* occurrences(text, wanted) {
  const [all, one] = [text.toLowerCase(), wanted.toLowerCase()];
  const joins = (inside, outside) => IN_A_WORD.test(inside ?? "") && IN_A_WORD.test(outside ?? "");
  for (let from = all.indexOf(one); from >= 0; from = all.indexOf(one, from + one.length)) {
    const to = from + one.length;
    if (!joins(one[0], all[from - 1]) && !joins(one.at(-1), all[to])) yield [from, to];
  }
}

/** Let a person look at the changes and leave some out. Resolves to those that are wanted, or null. */
function choose(changes, value, wanted) {
  return new Promise((resolve) => {
    let answer = null;
    const boxes = new Map();
    const list = build("ol", { className: "replacements" });
    for (const change of changes.slice(0, MOST_SHOWN)) {
      const box = build("input", { type: "checkbox", checked: true });
      boxes.set(change, box);
      const time = build("span", { className: "soft" }, sentence.timeOf(change.row));
      const text = marked(change.after, change.text);
      list.append(build("li", {}, build("label", {}, box, time, text)));
    }
    const rest = changes.length - boxes.size;
    const more = ngettext("and %(num)s more sentence", "and %(num)s more sentences", rest);
    const go = build("button", { className: "primary small" });
    const cancel = build("button", { type: "button" }, _("Cancel"));
    const isWanted = (change) => boxes.get(change)?.checked ?? true;
    const count = () => {
      const num = changes.filter(isWanted).reduce((sum, one) => sum + one.count, 0);
      go.textContent = ngettext("Replace in %(num)s place", "Replace in %(num)s places", num);
      go.disabled = num === 0;
    };
    const form = build(
      "form",
      {},
      list,
      ...(rest > 0 ? [build("p", { className: "soft" }, more)] : []),
      build("div", { className: "actions" }, go, cancel),
    );
    const title = value
      ? _("Write “%(right)s” in the place of “%(wrong)s”", { right: value, wrong: wanted })
      : _("Remove “%(wrong)s”", { wrong: wanted });
    const dialog = open("replace-all", title, form);
    form.addEventListener("change", count);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer = changes.filter(isWanted);
      dialog.close();
    });
    cancel.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => resolve(answer));
    count();
    go.focus();
  });
}
