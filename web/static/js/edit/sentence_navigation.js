import { _ } from "../page/i18n.js";
import { doubtfulNear, nextDoubtful } from "./doubt.js";
import * as sentence from "./sentence.js";
import { stepBack } from "../player/shortcuts_while_typing.js";

const REACTION_S = 0.6; // from the end of a wrong word until somebody who hears it presses a key
const NOTICED_S = 1.3; // and the longest, for a word that is uncertain

/** From sentence to sentence, and from one uncertain word to the next. */
export class Moves {
  constructor(editing, player, reading) {
    this.editing = editing;
    this.player = player;
    this.reading = reading;
    this.isHeld = false; // playing goes on once the sentence is saved
    player?.media.addEventListener("play", () => (this.isHeld = false));
  }

  get isPlaying() {
    return Boolean(this.player) && !this.player.media.paused;
  }

  /**
   * Save, and open the following sentence; after the last one nothing is open. While it plays and
   * nothing was typed, stop: so one key stops and goes on.
   */
  next() {
    const { editor } = this.editing;
    if (this.isPlaying && !editor.touched && this.said) {
      this.openSaid();
      return;
    }
    if (!this.go(1)) editor.end(editor.value);
    this.playOn();
  }

  /** Save the sentence, or with `text` null leave it as it was, and open no other. */
  close(text) {
    this.editing.editor.end(text);
    this.playOn();
  }

  /** Save, and open the next sentence that is shown, or the one before. Returns whether there is. */
  go(by) {
    const row = sentence.neighbour(this.editing.editor.row, by);
    if (row) this.editing.open(row, { select: [0, 0] });
    return Boolean(row);
  }

  get said() {
    return this.editing.list.querySelector("li.now");
  }

  /** The sentence that has the focus, or is being said, or is pointed at. */
  rowHere() {
    const chosen = this.isPlaying ? this.said : sentence.rowAround(document.activeElement);
    return chosen ?? this.said ?? sentence.rowAround(document.querySelector(".sentence-tools"));
  }

  /** Open that sentence. */
  openHere() {
    const row = this.rowHere();
    if (!row) return false;
    if (row === this.said) this.openSaid();
    else this.editing.open(row, { select: [0, 0] });
    return true;
  }

  /** Stop at the word that was just heard, and select it: in this sentence or another. */
  stopHere() {
    if (this.said) this.openSaid();
  }

  /**
   * Open the sentence being said with the caret at the word. Where it was playing, stop, and select
   * the word that somebody heard who presses a key now; of those an uncertain one first.
   */
  async openSaid() {
    const { player, reading, isPlaying } = this;
    const now = player?.time ?? 0;
    const rate = player?.media.playbackRate ?? 1;
    const heard = isPlaying ? now - REACTION_S * rate : now;
    if (isPlaying) {
      player.media.pause();
      this.isHeld = true;
    }
    const row = (reading && sentence.rowOf(reading.sentences.at(heard))) ?? this.said;
    this.editing.open(row, { select: [0, 0] });
    const { editor } = this.editing;
    const words = await reading?.wordsOf(sentence.numberOf(row), editor.value);
    if (!words || this.editing.editor !== editor) return;
    const doubtful = isPlaying && doubtfulNear(words, editor.value, now - NOTICED_S * rate, now);
    const place = doubtful || words.findLast((word) => word.start <= heard);
    if (place) editor.select(place.from, isPlaying ? place.to : place.from);
  }

  /** Go on playing where opening a sentence had stopped it. */
  playOn() {
    if (this.isHeld) this.player.toggle(stepBack());
  }

  /** Leap to the next words of little certainty, or those before, and open them selected. */
  leap(by) {
    if (!this.reading) return false;
    this.leapFrom(this.place(by), by);
    return true;
  }

  place(by) {
    const { editor } = this.editing;
    if (editor) {
      const { selectionStart, selectionEnd } = editor.field;
      return { row: editor.row, from: by > 0 ? selectionEnd : selectionStart };
    }
    const chosen = sentence.rowAround(document.activeElement);
    const said = this.editing.list.querySelector("li.now");
    const row = chosen ?? said ?? this.editing.list.querySelector("li[data-n]");
    return { row, from: by > 0 ? 0 : Infinity };
  }

  async leapFrom(place, by) {
    const { words, doubtful } = this.reading;
    if (doubtful.areThere) await words.load();
    const { editor, status } = this.editing;
    const textNow = (row) => (row === editor?.row ? editor.field.value : sentence.textOf(row));
    const found = doubtful.areThere && nextDoubtful(place, by, words, textNow);
    if (!found) {
      status.say(by > 0 ? _("No uncertain word follows.") : _("No uncertain word stands before."));
      return;
    }
    this.editing.open(found.row, { select: [found.from, found.to] });
    this.player.seek(found.start + 0.001); // a hair later, as a click on the word
  }

  playSentence() {
    if (!this.player) return;
    this.player.seek(Number(this.editing.editor.row.dataset.start));
    this.player.play();
  }
}
