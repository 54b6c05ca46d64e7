import { api } from "../page/api.js";
import { _, language } from "../page/i18n.js";
import { nameOf } from "../page/people.js";
import { build } from "./build.js";
import { difference, merged } from "./merge_texts.js";
import { list } from "./sentence.js";

const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

/**
 * Open a dialog with a title and these children. The title has the focus, and no button: who writes
 * when it comes up may be about to press Enter.
 */
export function open(className, title, ...children) {
  const heading = build("h2", { id: "edit-dialog-title", tabIndex: -1, autofocus: true }, title);
  const dialog = build(
    "dialog",
    { className: `edit-dialog ${className}`, "aria-labelledby": heading.id },
    heading,
    ...children,
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** The text with the part marked in which it differs from `from`. */
export function marked(value, from) {
  const shown = build("p", { className: "said", lang: list()?.lang ?? "" });
  const { before, changed, after } = difference(from, value);
  if (value === "") shown.append(build("em", {}, _("Removed")));
  else if (!changed || from === "") shown.append(value);
  else shown.append(before, build("mark", {}, changed), after);
  return shown;
}

/**
 * Let a person choose between both texts or a third. Resolves to the text, or null for a dialog
 * that was closed without a choice.
 */
export function chooseVersion({ text: mine, base }, theirs) {
  return new Promise((resolve) => {
    let choice = null;
    const proposal = merged(base, mine, theirs.text);
    const field = build("textarea", {
      value: proposal ?? mine,
      rows: 3,
      id: "edit-both",
      lang: list()?.lang ?? "",
    });
    const choose = (label, value, className = "") => {
      const button = build("button", { type: "button", className }, label);
      button.addEventListener("click", () => {
        choice = value();
        dialog.close();
      });
      return button;
    };
    const both = proposal === null ? _("Something of both") : _("Both together");
    const dialog = open(
      "conflict",
      _("Somebody else corrected this sentence meanwhile"),
      build("p", {}, _("Nothing is lost: choose which text is to stand.")),
      build("h3", {}, _("Theirs, saved %(when)s", { when: moment.format(new Date(theirs.at)) })),
      marked(theirs.text, base),
      choose(_("Keep theirs"), () => theirs.text),
      build("h3", {}, _("Yours, not saved yet")),
      marked(mine, base),
      choose(_("Use yours"), () => mine),
      build("h3", {}, build("label", { for: field.id }, both)),
      field,
      choose(_("Save this text"), () => field.value.trim(), "primary small"),
    );
    dialog.addEventListener("close", () => resolve(choice));
  });
}

/** Show all revisions of a sentence. Resolves to the one to restore, or null. Throws ApiError. */
export async function showHistory(address, n, time, signal) {
  const { revisions } = await api("GET", `${address}/sentences/${n}/revisions?limit=200`, { signal });
  return new Promise((resolve) => {
    let choice = null;
    const entries = build("ol", { className: "revisions" });
    const recognised = revisions[0].recognised_text;
    revisions.forEach((one, place) => {
      let name = one.at ? moment.format(new Date(one.at)) : _("Recognised");
      if (one.rule === "numbers") name = _("Numbers in digits, %(when)s", { when: name });
      else if (one.rule) name = _("By the lists of words, %(when)s", { when: name });
      const who = one.rule ? null : nameOf(one.editor);
      if (who) name = `${name} · ${who}`;
      const head = build("div", { className: "head" }, build("h3", {}, name));
      if (place === 0) head.append(build("span", { className: "now" }, _("as it is now")));
      else {
        const use = build("button", { type: "button" }, _("Use this"));
        use.setAttribute("aria-label", _("Use this: %(text)s", { text: one.text || _("Removed") }));
        use.addEventListener("click", () => {
          choice = one;
          dialog.close();
        });
        head.append(use);
      }
      entries.append(build("li", {}, head, marked(one.text, recognised)));
    });
    const close = build("button", { type: "button" }, _("Close"));
    close.addEventListener("click", () => dialog.close());
    const dialog = open(
      "sentence-history",
      _("What the sentence at %(time)s was", { time }),
      entries,
      close,
    );
    dialog.addEventListener("close", () => resolve(choice));
  });
}
