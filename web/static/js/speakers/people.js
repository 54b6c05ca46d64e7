import { build } from "../edit/build.js";
import { isComposing } from "../page/focus.js";
import { _, ngettext } from "../page/i18n.js";
import { clock } from "../page/quantities.js";
import { button } from "./button.js";
import { lookOf, shareText } from "./look.js";
import { voiceLine } from "./voices.js";

const LONGEST_NAME = 80;
const SVG = "http://www.w3.org/2000/svg";

/**
 * The row of a speaker. `act` has rename(number, name), merge(number, into), split(number),
 * only(number) and next(number), and confirm, refuse and keep for what is known of the voice;
 * `only` is the speaker whose sentences alone are shown, `canSplit` whether voices can be told apart
 * again, `beside` what is known of this one's voice.
 */
export function personRow(one, { speakers, only, canSplit, beside, act }) {
  const { number, name } = one;
  const alone = _("Only the sentences of %(name)s", { name });
  const split = _("%(name)s is two people: tell the voices apart", { name });
  const filter = button(_("Only"), alone, `only-${number}`, () => act.only(number));
  filter.setAttribute("aria-pressed", String(only === number));
  return build(
    "li",
    { className: lookOf(number).join(" "), dataset: { who: number } },
    nameButton(one, act),
    bar(one.share),
    build("span", { className: "percent" }, shareText(one.share)),
    build("span", { className: "talk" }, clock(one.seconds)),
    build(
      "span",
      { className: "number" },
      ngettext("%(num)s sentence", "%(num)s sentences", one.sentences),
    ),
    build(
      "span",
      { className: "doing" },
      button(_("Next"), _("Next turn of %(name)s", { name }), `next-${number}`, () => act.next(number)),
      filter,
      speakers.length > 1 ? mergeMenu(one, speakers, act) : "",
      canSplit && one.sentences > 1 ? button(_("Split"), split, `split-${number}`, () => act.split(number)) : "",
    ),
    beside ? voiceLine(beside, act) : "",
  );
}

function bar(share) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("class", "share");
  drawn.setAttribute("viewBox", "0 0 100 1");
  drawn.setAttribute("preserveAspectRatio", "none");
  drawn.setAttribute("aria-hidden", "true");
  const filled = document.createElementNS(SVG, "rect");
  filled.setAttribute("width", (100 * share).toFixed(1));
  filled.setAttribute("height", "1");
  drawn.append(filled);
  return drawn;
}

function mergeMenu({ number, name }, speakers, act) {
  const others = speakers.filter((other) => other.number !== number);
  const title = _("Merge %(name)s with …", { name });
  const about = { title, "aria-label": title, dataset: { focus: `merge-${number}` } };
  const summary = build("summary", about, _("Merge"));
  const choices = others.map((other) => {
    const look = lookOf(other.number).join(" ");
    const made = build("button", { type: "button", className: look }, other.name);
    made.addEventListener("click", () => act.merge(number, other.number));
    return made;
  });
  return build("details", { className: "menu" }, summary, build("div", {}, ...choices));
}

function nameButton(one, act) {
  const { number, name } = one;
  const title = _("Rename %(name)s", { name });
  const made = button(name, title, `name-${number}`, () => made.replaceWith(field));
  made.className = "name";
  const field = build("input", {
    type: "text",
    maxLength: LONGEST_NAME,
    autocomplete: "off",
    enterKeyHint: "done",
    dataset: { of: number },
    "aria-label": _("Name of %(name)s", { name }),
  });
  made.addEventListener("click", () => {
    field.value = name;
    field.focus();
    field.select();
  });
  let ended = true;
  field.addEventListener("focus", () => (ended = false));
  function end(text, { left = false } = {}) {
    if (ended) return;
    ended = true;
    field.replaceWith(made);
    if (!left) made.focus();
    const said = text.trim();
    if (said !== name && (said || one.named)) act.rename(number, said);
  }
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    // While an input method is open, Enter chooses a word and Escape leaves the choice.
    if (isComposing(event)) return;
    if (event.key === "Enter") end(field.value);
    else if (event.key === "Escape") end(name);
    else return;
    event.preventDefault();
  });
  field.addEventListener("focusout", () => {
    // Another window or tab takes the focus for a while; a field that is gone has a successor.
    setTimeout(() => {
      const left = field.isConnected && document.hasFocus() && document.activeElement !== field;
      if (left) end(field.value, { left: true });
    });
  });
  return made;
}
