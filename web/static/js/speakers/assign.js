import { build } from "../edit/build.js";
import { numberOf, timeOf } from "../edit/sentence.js";
import { _, ngettext } from "../page/i18n.js";
import { besideRow, rowsOf } from "../transcript/rows.js";
import { lookOf } from "./look.js";

const LONGEST_NAME = 80;

/** The sentences that are selected with the mouse, where `row` is among them and not alone. */
function selected(list, row) {
  const selection = getSelection();
  if (selection.isCollapsed || !selection.rangeCount) return [];
  const range = selection.getRangeAt(0);
  const rows = rowsOf(list).filter((one) => {
    const text = one.querySelector(".text");
    return text && range.intersectsNode(text);
  });
  return rows.length > 1 && rows.includes(row) ? rows.map(numberOf) : [];
}

/** The sentences around `row` that one speaker says without another between them. */
function turnOf(row) {
  const who = row.dataset.who;
  const same = (one) => one && one.dataset.who === who;
  let first = row;
  while (same(besideRow(first, -1))) first = besideRow(first, -1);
  const turn = [];
  for (let one = first; same(one); one = besideRow(one, 1)) turn.push(numberOf(one));
  return turn;
}

/** So many sentences from `row` on. */
const from = (list, row, count) => {
  const rows = rowsOf(list);
  const place = rows.indexOf(row);
  return rows.slice(place, place + count).map(numberOf);
};

/**
 * Ask who says the sentence in `row`, or several. Resolves to {sentences, speaker, name}, where the
 * speaker is a number, "new" or null and the name that of somebody new, or empty; or to null for a
 * dialog that was closed without a choice.
 */
export function chooseSpeaker(list, row, speakers) {
  const n = numberOf(row);
  const marked = selected(list, row);
  const turn = turnOf(row);
  const all = rowsOf(list);
  const most = all.length - all.indexOf(row);
  const count = build("input", {
    type: "number",
    min: "2",
    max: String(Math.max(2, most)),
    value: "2",
    required: true,
    "aria-label": _("How many sentences"),
  });
  const ways = [
    ["one", _("Only this sentence"), () => [n]],
    marked.length && [
      "marked",
      ngettext("The %(num)s selected sentence", "The %(num)s selected sentences", marked.length),
      () => marked,
    ],
    turn.length > 1 && [
      "turn",
      ngettext("This whole turn, %(num)s sentence", "This whole turn, %(num)s sentences", turn.length),
      () => turn,
    ],
    most > 1 && ["count", [_("From here on, sentences:"), count], () => from(list, row, Number(count.value))],
  ].filter(Boolean);
  const chosenWay = marked.length ? "marked" : "one";
  const which = ways.map(([value, label]) => choice("which", value, value === chosenWay, label));
  count.addEventListener("focus", () => (which.at(-1).querySelector("input").checked = true));

  const now = row.dataset.who ?? "null";
  const known = speakers.map((one) => {
    const value = String(one.number);
    return choice("who", value, value === now, one.name, one.number);
  });
  const name = build("input", {
    type: "text",
    maxLength: LONGEST_NAME,
    autocomplete: "off",
    placeholder: _("Who is it?"),
    "aria-label": _("Name of the new speaker"),
  });
  const others = [
    choice("who", "new", now === "null", [_("somebody new"), name]),
    choice("who", "null", false, _("nobody in particular")),
  ];
  const heading = build("h2", { id: "assign-title" }, _("Who says this?"));
  const form = build(
    "form",
    {},
    build("p", { className: "soft" }, _("Sentence at %(time)s", { time: timeOf(row) })),
    build(
      "fieldset",
      {},
      build("legend", {}, _("Speaker")),
      known.length ? build("div", { className: "choices" }, ...known) : "",
      ...others,
    ),
    build("fieldset", {}, build("legend", {}, _("Sentences")), ...which),
  );
  const save = build("button", { type: "submit", className: "primary small" }, _("Save"));
  const cancel = build("button", { type: "button" }, _("Cancel"));
  form.append(build("div", { className: "actions" }, save, cancel));
  const dialog = build(
    "dialog",
    { className: "edit-dialog assign", "aria-labelledby": heading.id },
    heading,
    form,
  );

  return new Promise((resolve) => {
    let answer = null;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const given = new FormData(form);
      const [, , sentences] = ways.find(([value]) => value === given.get("which"));
      const chosen = given.get("who");
      const called = chosen === "new" ? name.value.trim() : "";
      const same = called && speakers.find((one) => one.name === called);
      const speaker = same ? same.number : chosen === "new" ? "new" : JSON.parse(chosen);
      answer = { sentences: sentences(), speaker, name: same ? "" : called };
      dialog.close();
    });
    cancel.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
    form.querySelector("input[name=who]:checked").focus();
  });
}

function choice(name, value, checked, label, number = null) {
  const text = build("span", {}, ...[label].flat());
  if (number !== null) text.className = ["who", ...lookOf(number)].join(" ");
  const button = build("input", { type: "radio", name, value, checked });
  return build("label", { className: "choice" }, button, text);
}
