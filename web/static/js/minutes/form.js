// The form in which minutes are changed: a line for each point, which can be removed.
import { build } from "../edit/build.js";
import { fitToText } from "../page/field_height.js";
import { _ } from "../page/i18n.js";

const LONGEST_TEXT = 1000;
const LONGEST_NAME = 200;

const TITLES = {
  summary: _("Summary"),
  decisions: _("Decisions"),
  todos: _("To do"),
  chapters: _("Chapters"),
};

/** A form of minutes as the API gives them. */
export function editForm(minutes) {
  const form = build("form", { className: "minutes-form" });
  for (const [section, title] of Object.entries(TITLES)) {
    const set = build("fieldset", { dataset: { section } }, build("legend", {}, title));
    set.append(...minutes[section].map((point) => line(section, title, point)));
    const add = build("button", { type: "button" }, _("Add a point"));
    add.addEventListener("click", () => {
      const made = line(section, title, { text: "", sentences: [], owner: "", due: "" });
      add.before(made);
      made.querySelector("textarea").focus();
    });
    set.append(add);
    form.append(set);
  }
  form.addEventListener("input", ({ target }) => target.matches("textarea") && fitToText(target));
  requestAnimationFrame(() => form.querySelectorAll("textarea").forEach(fitToText)); // once it is shown
  return form;
}

/** The minutes in a form, as the API takes them; lines without a text are left out. */
export function contentOf(form) {
  const content = {};
  for (const set of form.querySelectorAll("fieldset")) {
    content[set.dataset.section] = [...set.querySelectorAll(".line")]
      .map((row) => ({
        text: row.querySelector("textarea").value.trim(),
        owner: row.querySelector("[name=owner]")?.value.trim() ?? "",
        due: row.querySelector("[name=due]")?.value.trim() ?? "",
        sentences: JSON.parse(row.dataset.sentences),
      }))
      .filter((point) => point.text);
  }
  return content;
}

function line(section, title, point) {
  const isToDo = section === "todos";
  const row = build("div", {
    className: isToDo ? "line todo" : "line",
    dataset: { sentences: JSON.stringify(point.sentences) },
  });
  row.append(
    build("textarea", { value: point.text, rows: 1, maxLength: LONGEST_TEXT, "aria-label": title }),
  );
  if (isToDo) {
    const field = (name, label) =>
      build("input", {
        name,
        value: point[name],
        maxLength: LONGEST_NAME,
        placeholder: label,
        "aria-label": label,
      });
    row.append(field("owner", _("Who")), field("due", _("By when")));
  }
  const remove = build("button", { type: "button" }, _("Remove"));
  remove.addEventListener("click", () => {
    const next = row.nextElementSibling;
    row.remove();
    (next.querySelector("textarea") ?? next).focus();
  });
  row.append(remove);
  return row;
}
