// The offer to write a corrected word so from now on.
import { build } from "../edit/build.js";
import { open } from "../edit/conflict_and_history_dialogs.js";
import { difference, pieces } from "../edit/merge_texts.js";
import { api } from "../page/api.js";
import { _ } from "../page/i18n.js";
import { address } from "../page/base_path.js";

const LONGEST = 20;
const HAS_WORDS = /[\p{L}\p{N}]/u;
const ENDS_A_PART = /[，。！？、；：,.!?;:…\n]/u;
const HAN = /^\p{Script=Han}$/u;

/**
 * What a person's correction says of the recogniser: {wrong, right}, or null where more was changed
 * than some words, or words that the recogniser did not write.
 */
export function pairOf({ text, recognised_text: recognised }, before) {
  const written = recognised.toLowerCase();
  for (const from of [before, recognised]) {
    const pair = smallPair(from, text);
    if (pair && written.includes(pair.wrong.toLowerCase())) return pair;
  }
  return null;
}

function smallPair(one, other) {
  const parts = pieces(one);
  let { from, to, changed: right } = difference(one, other);
  // One character alone stands in too many words: its neighbour says which is meant.
  if (HAN.test(parts.slice(from, to).join(""))) {
    if (HAN.test(parts[from - 1] ?? "")) {
      from -= 1;
      right = parts[from] + right;
    } else if (HAN.test(parts[to] ?? "")) {
      right += parts[to];
      to += 1;
    } else return null;
  }
  const wrong = parts.slice(from, to).join("").trim();
  right = right.trim();
  const isClean = [wrong, right].every(
    (side) => side.length <= LONGEST && HAS_WORDS.test(side) && !ENDS_A_PART.test(side),
  );
  return isClean ? { wrong, right } : null;
}

/** Let a person look at a pair and add it to their list. Resolves to it, or to null. */
export function teach(pair) {
  return new Promise((resolve) => {
    let taught = null;
    const field = (name, label) => {
      const input = build("input", { id: `pair-${name}`, value: pair[name], required: true, maxLength: 100 });
      const of = build("label", { for: input.id }, label);
      return [input, build("div", { className: "field" }, of, input)];
    };
    const [wrong, wrongField] = field("wrong", _("Recognised as"));
    const [right, rightField] = field("right", _("Write"));
    const told = build("p", { className: "told", role: "alert" });
    const cancel = build("button", { type: "button" }, _("Cancel"));
    const add = build("button", { className: "primary small" }, _("From now on"));
    const form = build(
      "form",
      {},
      wrongField,
      rightField,
      told,
      build("div", { className: "actions" }, add, cancel),
    );
    const dialog = open("teach", _("Write it so from now on"), form);
    wrong.focus();
    cancel.addEventListener("click", () => dialog.close());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const json = { wrong: wrong.value, right: right.value };
      try {
        taught = await api("POST", address("/api/v1/replacements"), { json });
        dialog.close();
      } catch (error) {
        told.textContent = error.message;
      }
    });
    dialog.addEventListener("close", () => resolve(taught));
  });
}
