// What keys do while a sentence is edited, and around it.
import { isComposing, isField } from "../page/focus.js";

const isAlone = (event) => !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
const isChord = (event) => event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey;
const isShiftedChord = (event) => event.altKey && !event.ctrlKey && !event.metaKey && event.shiftKey;

/** By the place on the keyboard: with Alt a key types another character on some of them. */
const CHORDS = {
  ArrowDown: (editing) => editing.moves.go(1),
  ArrowUp: (editing) => editing.moves.go(-1),
  KeyN: (editing) => editing.moves.leap(1),
  KeyB: (editing) => editing.moves.leap(-1),
  KeyT: (editing) => editing.changes.startNow(),
  Comma: (editing) => editing.changes.move("start", -1),
  Period: (editing) => editing.changes.move("start", 1),
  KeyE: (editing) => editing.moves.stopHere(),
  KeyP: (editing) => editing.moves.playSentence(),
};

/** The same with Shift. */
const SHIFTED_CHORDS = {
  Comma: (editing) => editing.changes.move("end", -1),
  Period: (editing) => editing.changes.move("end", 1),
};

/** The digit from 1 that a key has by its place on the keyboard, or 0: some type it with Shift only. */
const digitOf = (event) => Number(/^Digit([1-9])$/.exec(event.code)?.[1] ?? 0);

/** Act on a key in the open editor. Returns whether it was one of these. */
export function keyInEditor(event, editing) {
  const { editor } = editing;
  if (isChord(event) && CHORDS[event.code]) CHORDS[event.code](editing);
  else if (isChord(event) && digitOf(event)) return editing.saidBy(editor.row, digitOf(event));
  else if (isShiftedChord(event) && SHIFTED_CHORDS[event.code]) SHIFTED_CHORDS[event.code](editing);
  else if (editor.field.readOnly && ["Enter", "Backspace", "Escape"].includes(event.key)) return true;
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) editing.moves.close(editor.value);
  else if (event.key === "Enter" && isAlone(event)) {
    if (!event.repeat) editing.moves.next();
  } else if (event.key === "Enter") {
    if (!event.repeat && event.shiftKey && !event.altKey) editing.changes.split();
  } else if (event.key === "Backspace" && isAlone(event) && editor.isAtStart) {
    return !event.repeat && editing.changes.join();
  } else if (event.key === "Escape") editing.moves.close(null);
  else if (!editor.touched && isUndo(event)) editing.past.undo();
  else if (!editor.touched && isRedo(event)) editing.past.redo();
  else return false;
  return true;
}

/** Act on a key of the page where nothing is typed. */
export function listenOutside(editing) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || isComposing(event)) return;
    if (isField(event) || document.querySelector("dialog[open]")) return;
    if (outside(event, editing)) event.preventDefault();
  });
}

function outside(event, editing) {
  if (isUndo(event)) return editing.past.undo();
  if (isRedo(event)) return editing.past.redo();
  if (isChord(event) && event.code === "KeyN") return editing.moves.leap(1);
  if (isChord(event) && event.code === "KeyB") return editing.moves.leap(-1);
  if (!isAlone(event)) return false;
  if (digitOf(event)) return editing.saidBy(editing.moves.rowHere(), digitOf(event));
  const key = event.key.toLowerCase(); // the same with Caps Lock
  if (key === "n") return editing.moves.leap(1);
  if (key === "r" && editing.replace) {
    editing.replace.open();
    return true;
  }
  if (key === "b") return editing.moves.leap(-1);
  if (key === "e") return editing.moves.openHere();
  // On a time Enter opens its sentence; a button or another link has Enter for itself.
  const presses = event.target.closest?.("a[href]:not(.at), button, summary, [role=button]");
  return event.key === "Enter" && !presses && editing.moves.openHere();
}

const isCommand = (event) => (event.ctrlKey || event.metaKey) && !event.altKey;
const isUndo = (event) => isCommand(event) && !event.shiftKey && event.key.toLowerCase() === "z";
const isRedo = (event) =>
  isCommand(event) &&
  (event.key.toLowerCase() === "y" || (event.shiftKey && event.key.toLowerCase() === "z"));
