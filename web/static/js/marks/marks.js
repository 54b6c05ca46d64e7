import { api } from "../page/api.js";
import { isComposing, isField } from "../page/focus.js";
import { _ } from "../page/i18n.js";
import { clock, secondsOf } from "../page/quantities.js";
import { whenIdle } from "../transcript/quiet.js";
import { rowAround } from "../transcript/rows.js";
import { paintMarks } from "./painting.js";

/** Show the marks of a recording that is somebody else's, who alone may change them. */
function readMarks(panel, sentences) {
  const kinds = new Map(Object.entries(JSON.parse(panel.dataset.kinds)));
  const paint = () => paintMarks(sentences, JSON.parse(panel.dataset.marks), kinds);
  sentences?.addEventListener("transcript:restructured", () => whenIdle(paint));
  paint();
}

/** Where somebody reads: what has the focus, and the sentence that stays where it is in the window. */
function placeNow() {
  const { activeElement } = document;
  const pointed = document.elementFromPoint(innerWidth / 2, innerHeight / 2);
  const row = rowAround(activeElement) ?? rowAround(pointed);
  return { activeElement, row, top: row?.getBoundingClientRect().top };
}

/** Give the focus back, and bring the page to where it was, also from far. */
function comeBack({ activeElement, row, top }) {
  if (activeElement.isConnected && activeElement !== document.body) activeElement.focus({ preventScroll: true });
  else document.activeElement.blur();
  const scroll = (tries) => {
    if (!row?.isConnected) return;
    scrollBy({ top: row.getBoundingClientRect().top - top, behavior: "instant" });
    // Sentences that were never shown get their heights only now.
    if (tries > 1) requestAnimationFrame(() => scroll(tries - 1));
  };
  scroll(3);
}

/** The panel of marked places, and what of them stands in the transcript. `M` marks a place. */
export function markPlaces({ player }) {
  const panel = document.getElementById("marks");
  if (!panel) return;
  const sentences = document.getElementById("sentences");
  const form = panel.querySelector("form.mark");
  if (!form) return readMarks(panel, sentences);
  const proposal = panel.querySelector("form.proposal");
  const told = form.querySelector(".told");
  const base = panel.dataset.address;
  let marks = JSON.parse(panel.dataset.marks);
  let changed = null; // the id of the mark that is in the form
  let time = 0; // what the form's time was set to: to the second is not exact
  let isTyped = false; // whether it was given by hand since
  let left = null; // where the key was pressed that led to the form
  let filled = null; // what was in the form of the mark that is changed
  let sending = null; // what of the form is on its way
  let earlier = Promise.resolve();

  const kinds = new Map([...form.elements.kind.options].map((option) => [option.value, option.text]));
  const buttonOf = (name) => panel.querySelector(`[data-mark=${name}]`);

  function show() {
    panel.querySelector(".many").textContent = marks.length || "";
    panel.querySelector(".rows").replaceChildren(...marks.map(row));
    paintMarks(sentences, marks, kinds);
  }

  function row(mark) {
    const item = document.createElement("li");
    item.className = mark.kind;
    const place = Object.assign(document.createElement("a"), { className: "place", href: `?t=${mark.at}` });
    place.dataset.at = mark.at;
    place.textContent = clock(mark.at);
    const add = (tag, className, text) => {
      const made = Object.assign(document.createElement(tag), { className, textContent: text });
      return made;
    };
    const more = [mark.who, mark.due].filter(Boolean).join(_(", "));
    const button = (name, label, what) => {
      const made = add("button", "", label);
      made.type = "button";
      made.dataset.mark = name;
      made.dataset.id = mark.id;
      made.setAttribute("aria-label", `${label}: ${what}`);
      return made;
    };
    const what = more ? _("%(text)s (%(more)s)", { text: mark.text, more }) : mark.text;
    const does = document.createElement("span");
    const called = what || clock(mark.at);
    does.append(button("change", _("Change"), called), button("remove", _("Delete"), called));
    item.append(place, add("span", "kind", kinds.get(mark.kind)), add("span", "what", what), does);
    return item;
  }

  function tell(words, isError = false) {
    told.textContent = words;
    told.classList.toggle("error", isError);
  }

  function setTime(seconds) {
    time = seconds;
    isTyped = false;
    form.elements.at.value = clock(seconds);
  }

  function fill(mark) {
    changed = mark?.id ?? null;
    const { kind, text, who, due } = form.elements;
    if (mark) kind.value = mark.kind;
    setTime(mark ? mark.at : (player?.time ?? 0));
    text.value = mark?.text ?? "";
    who.value = mark?.who ?? "";
    due.value = mark?.due ?? "";
    buttonOf("cancel").hidden = !mark;
    filled = changed && contents();
    showFields();
  }

  function showFields() {
    for (const label of form.querySelectorAll(".of-todo")) label.hidden = form.elements.kind.value !== "todo";
  }

  /** Change marks, after what was asked for before: each answer holds all of them. */
  function ask(method, address, options) {
    earlier = earlier.then(async () => {
      try {
        ({ marks } = await api(method, base + address, options));
        tell("");
        show();
        return true;
      } catch (error) {
        tell(error.message, true);
        return false;
      }
    });
    return earlier;
  }

  /** The mark in the form, as the API takes it. */
  function inForm() {
    const { kind, at, text, who, due } = form.elements;
    const mark = { kind: kind.value, at: isTyped ? secondsOf(at.value) : time, text: text.value };
    if (kind.value === "todo") Object.assign(mark, { who: who.value, due: due.value });
    return mark;
  }

  const contents = () => JSON.stringify([changed, inForm()]);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [id, mark, sent] = [changed, inForm(), contents()];
    if (sent === sending) return; // pressed twice
    sending = sent;
    const done = id
      ? await ask("PATCH", `/marks/${id}`, { json: mark })
      : await ask("POST", "/marks", { json: { marks: [mark] } });
    if (sending === sent) sending = null;
    // Whoever writes the next by now goes on writing it.
    if (!done && !form.elements.text.value) fill({ id, ...mark });
    if (!done || contents() !== sent) return;
    fill(null);
    if (left) goBack();
    else if (form.contains(document.activeElement)) form.elements.text.focus();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || isComposing(event) || !(left || changed)) return;
    event.stopPropagation();
    fill(null);
    goBack();
  });

  /** Back to what was read, where the form was come to by the key. */
  function goBack() {
    if (left) comeBack(left);
    left = null;
  }
  // Who goes on elsewhere is not called back.
  panel.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !panel.contains(relatedTarget)) left = null;
  });
  document.addEventListener("pointerdown", ({ target }) => {
    if (!panel.contains(target)) left = null;
  });
  form.elements.kind.addEventListener("change", showFields);
  form.elements.at.addEventListener("input", () => (isTyped = true));
  form.elements.text.addEventListener("focus", () => {
    if (!changed && !isTyped && !form.elements.text.value && player) setTime(player.time);
  });

  async function propose() {
    try {
      const { chapters } = await api("GET", `${base}/chapters/proposal`);
      if (!chapters.length) return tell(_("No chapters stand out in this recording."));
      proposal.querySelector("ol").replaceChildren(
        ...chapters.map(({ at, title }) => {
          const item = document.createElement("li");
          const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
          box.setAttribute("aria-label", title);
          const place = Object.assign(document.createElement("a"), { className: "place", href: `?t=${at}` });
          place.dataset.at = at;
          place.textContent = clock(at);
          const field = Object.assign(document.createElement("input"), { type: "text", value: title, maxLength: 200 });
          field.setAttribute("aria-label", _("Title"));
          item.append(box, place, field);
          return item;
        }),
      );
      tell("");
      proposal.hidden = false;
      proposal.querySelector("input[type=text]").focus();
    } catch (error) {
      tell(error.message, true);
    }
  }

  proposal.addEventListener("submit", async (event) => {
    event.preventDefault();
    const kept = [...proposal.querySelectorAll("li")]
      .filter((item) => item.querySelector("[type=checkbox]").checked)
      .map((item) => ({
        kind: "chapter",
        at: Number(item.querySelector(".place").dataset.at),
        text: item.querySelector("[type=text]").value,
      }))
      .filter(({ text }) => text.trim());
    proposal.hidden = true; // at once, for a second press would add them again
    if (kept.length && !(await ask("POST", "/marks", { json: { marks: kept } }))) proposal.hidden = false;
  });

  panel.addEventListener("click", async (event) => {
    const asked = event.target.closest("[data-mark]");
    if (!asked) return;
    const { mark: what, id } = asked.dataset;
    if (what === "propose") return propose();
    if (what === "discard") proposal.hidden = true;
    if (what === "cancel") fill(null);
    if (what === "change") {
      fill(marks.find((mark) => mark.id === id));
      form.elements.text.focus();
    }
    if (what === "remove") {
      asked.disabled = true;
      if (!(await ask("DELETE", `/marks/${id}`))) {
        asked.disabled = false;
        return;
      }
      if (changed === id) fill(null);
      tell(_("Deleted. The history undoes it."));
      if (document.activeElement === document.body) panel.querySelector("summary").focus();
    }
  });

  document.addEventListener("keydown", (event) => {
    const isOther = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    if (isField(event) || isOther || document.querySelector("dialog[open]")) return;
    if (event.key.toLowerCase() !== "m") return;
    event.preventDefault();
    if (!panel.contains(document.activeElement)) left = placeNow();
    panel.open = true;
    if (!form.elements.text.value || [filled, sending].includes(contents())) fill(null);
    form.elements.text.focus();
  });
  sentences?.addEventListener("transcript:restructured", () => {
    whenIdle(() => paintMarks(sentences, marks, kinds));
  });

  fill(null);
  show();
}
