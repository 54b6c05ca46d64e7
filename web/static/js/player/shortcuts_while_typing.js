// Keys that play also while a text is typed: chords, media keys, and those of a foot pedal.
import { isComposing } from "../page/focus.js";
import { _ } from "../page/i18n.js";
import { keep, kept, keptJson } from "../browser/storage.js";

const REMEMBERED = "longscribe.pedals";
const STEP_BACK = "longscribe.step-back";
const STEP_BACK_S = 2;
const CHORDS = { KeyK: "toggle", KeyJ: "back", KeyL: "forward" };
const MEDIA_KEYS = {
  MediaPlayPause: "toggle",
  MediaPlay: "toggle",
  MediaTrackPrevious: "back",
  MediaTrackNext: "forward",
};
const MODIFIERS = ["Shift", "Control", "Alt", "Meta", "AltGraph", "CapsLock"];

/** How far going on steps back, in seconds. */
export function stepBack() {
  const seconds = Number(kept(STEP_BACK) ?? STEP_BACK_S);
  return seconds >= 0 ? seconds : STEP_BACK_S;
}

/** Listen to the keys that work everywhere, and let them be learnt in the dialog of the keys. */
export function listenToPedals(player, dialog) {
  const pedals = new Pedals(dialog);
  const does = {
    toggle: () => player.toggle(stepBack()),
    back: () => player.skip(-5),
    forward: () => player.skip(5),
  };
  // Capturing: an editor keeps what is typed in it to itself.
  document.addEventListener(
    "keydown",
    (event) => {
      const action = !isComposing(event) && !pedals.isLearning && actionOf(event, pedals.keys);
      if (!action) return;
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat || action !== "toggle") does[action]();
    },
    { capture: true },
  );
  for (const [name, action] of [
    ["play", "toggle"],
    ["pause", "toggle"],
    ["seekbackward", "back"],
    ["seekforward", "forward"],
    ["previoustrack", "back"],
    ["nexttrack", "forward"],
  ]) {
    navigator.mediaSession?.setActionHandler(name, does[action]);
  }
  const step = dialog.querySelector("[name=step-back]");
  step.value = String(stepBack());
  step.addEventListener("change", () => keep(STEP_BACK, step.value));
}

function actionOf(event, keys) {
  const isChord = event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (isChord && CHORDS[event.code]) return CHORDS[event.code];
  return MEDIA_KEYS[event.key] ?? keys[nameOf(event)] ?? null;
}

/** A key with what is held down with it, "Ctrl + F8" for instance. */
function nameOf(event) {
  const held = [
    [event.ctrlKey, "Ctrl"],
    [event.altKey, "Alt"],
    [event.metaKey, "Meta"],
    [event.shiftKey, "Shift"],
  ].filter(([isDown]) => isDown);
  return [...held.map(([, name]) => name), event.key.length === 1 ? event.code : event.key].join(" + ");
}

/** Of a key alone that types, opens a dialog's button or leaves it, a pedal cannot be told. */
function canBeLearnt(event) {
  const isHeld = event.ctrlKey || event.altKey || event.metaKey;
  return isHeld || (event.key.length > 1 && !/^(Enter|Tab|Escape|Backspace|Delete|Arrow.*|Process|Dead|Unidentified)$/.test(event.key));
}

/** The keys of a pedal by what they do, kept in this browser. */
class Pedals {
  constructor(dialog) {
    this.keys = keptJson(REMEMBERED) ?? {};
    this.told = dialog.querySelector(".pedal-told");
    this.buttons = [...dialog.querySelectorAll("[data-learn]")];
    this.learning = null;
    for (const button of this.buttons) button.addEventListener("click", () => this.learn(button));
    dialog.querySelector("[data-do=forget-pedals]").addEventListener("click", () => this.keep({}));
    dialog.addEventListener("keydown", (event) => this.heard(event));
    dialog.addEventListener("close", () => this.stop());
    dialog.addEventListener("cancel", (event) => {
      if (!this.isLearning) return;
      event.preventDefault(); // Escape ends the learning alone
      this.stop();
    });
    this.show();
  }

  get isLearning() {
    return this.learning !== null;
  }

  learn(button) {
    this.stop();
    this.learning = button;
    button.setAttribute("aria-pressed", "true");
    this.told.textContent = _("Press the key of your pedal, or Esc.");
  }

  heard(event) {
    if (!this.isLearning || MODIFIERS.includes(event.key)) return;
    if (event.key === "Escape") {
      event.preventDefault();
      this.stop();
      return;
    }
    event.preventDefault();
    if (!canBeLearnt(event)) {
      this.told.textContent = _("This key types or moves. Let the pedal send another, F9 for instance.");
      return;
    }
    const action = this.learning.dataset.learn;
    const others = Object.entries(this.keys).filter(([, does]) => does !== action);
    this.stop();
    this.keep({ ...Object.fromEntries(others), [nameOf(event)]: action });
  }

  stop() {
    this.learning?.setAttribute("aria-pressed", "false");
    this.learning = null;
    this.told.textContent = "";
  }

  keep(keys) {
    this.keys = keys;
    keep(REMEMBERED, JSON.stringify(keys));
    this.show();
  }

  show() {
    for (const button of this.buttons) {
      const [key] = Object.entries(this.keys).find(([, does]) => does === button.dataset.learn) ?? [];
      button.querySelector("kbd").textContent = key ?? "–";
    }
  }
}
