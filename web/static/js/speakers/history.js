import { build } from "../edit/build.js";
import { _, language, ngettext } from "../page/i18n.js";
import { nameOf } from "../page/people.js";

const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const NOBODY = "local"; // who works without accounts

const nth = (number) => _("speaker %(number)s", { number });

/** What a change did, in words. */
export function changeText({ kind, detail }) {
  if (kind === "rename") {
    const who = nth(detail.speaker);
    if (!detail.name) return _("%(who)s has no name any more", { who });
    return _("%(who)s is called %(name)s", { who, name: detail.name });
  }
  if (kind === "merge") {
    return _("%(who)s is one with %(other)s", { who: nth(detail.speaker), other: nth(detail.into) });
  }
  if (kind === "split") {
    return _("%(who)s is two people, the other %(other)s", { who: nth(detail.speaker), other: nth(detail.into) });
  }
  if (kind === "assign") {
    const num = detail.sentences.length;
    if (detail.speaker === null) {
      return ngettext("%(num)s sentence is nobody's", "%(num)s sentences are nobody's", num);
    }
    const who = nth(detail.speaker);
    return ngettext("%(num)s sentence is of %(who)s", "%(num)s sentences are of %(who)s", num, { who });
  }
  if (kind === "count") return _("told apart: %(wanted)s", { wanted: countText(detail.wanted) });
  return _("change %(number)s undone", { number: detail.edit });
}

export function countText(wanted) {
  if (wanted === "auto") return _("as many as are heard");
  if (wanted.includes("-")) return _("%(range)s speakers", { range: wanted.replace("-", "–") });
  return ngettext("%(num)s speaker", "%(num)s speakers", Number(wanted));
}

/**
 * The changes so far, newest first, each with a button that takes it back. `own` is the account of
 * this reader, as {id, name}.
 */
export function changeList(edits, own, undo) {
  return build(
    "ol",
    {},
    ...edits.map((edit) => {
      const label = edit.kind === "undo" ? _("Redo") : _("Undo");
      const text = changeText(edit);
      const button = build(
        "button",
        { type: "button", "aria-label": `${label}: ${text}`, dataset: { focus: `edit-${edit.number}` } },
        label,
      );
      button.addEventListener("click", () => undo(edit.number));
      const when = [moment.format(new Date(edit.at))];
      if (edit.editor !== NOBODY) when.push(nameOf(edit.editor) ?? (edit.editor === own.id ? own.name : edit.editor));
      return build(
        "li",
        { className: edit.undone ? "undone" : "" },
        build("time", { dateTime: edit.at }, `${edit.number}. ${when.join(" · ")}`),
        build("span", { className: "what" }, text),
        edit.undone ? build("span", { className: "soft" }, _("undone")) : button,
      );
    }),
  );
}
