import { listenToKeys } from "../player/keys.js";
import { Overview } from "../player/overview.js";
import { listenToPedals } from "../player/shortcuts_while_typing.js";
import { keepPlace } from "../player/kept_place.js";
import { showPicture } from "../player/picture.js";
import { Player } from "../player/player.js";
import { skipSilence } from "../player/silence.js";
import { characterAt } from "./caret.js";
import { Doubtful } from "./doubtful.js";
import { Find } from "./find.js";
import { Follow } from "./follow.js";
import { mark } from "./highlights.js";
import { Navigation } from "./navigation.js";
import { whenIdle } from "./quiet.js";
import { Sentences, rangeIn } from "./sentences.js";
import { singleStop } from "./roving_tabindex.js";
import { Words } from "./words.js";

/**
 * Connect the player and the transcript: highlighting, clicks, following, search and keys. Returns
 * the player, the Reading and the Find, each null where there is none: without sound there is a search
 * alone.
 */
export function readAndListen() {
  const element = document.getElementById("player");
  const list = document.getElementById("sentences");
  if (!element) {
    if (list) singleStop(list);
    const bar = list && document.getElementById("overview");
    return { player: null, reading: null, find: bar ? new Navigation(bar, list).find : null };
  }
  const player = new Player(element);
  const help = document.getElementById("shortcuts");
  element.querySelector("[data-do=help]").addEventListener("click", () => help.showModal());
  const reading = list ? new Reading(list, player, element) : null;
  if (!reading) element.classList.add("without-text");
  showPicture(player, list);
  document.addEventListener("click", (event) => playPlace(event, player));
  listenToPedals(player, help);
  listenToKeys({ player, find: reading?.find, help });
  const place = keepPlace(player, element.dataset.place);
  const isNamed = reading?.goToAddress();
  const searched = new URLSearchParams(location.search).get("find");
  if (searched && reading) reading.find.showAll(searched.slice(0, 200));
  if (place && !isNamed) comeBack(player, reading, place);
  return { player, reading, find: reading?.find ?? null };
}

/** Go to the place where somebody was, without moving the page: a button goes there. */
function comeBack(player, reading, place) {
  if (reading) reading.follow.rests = true;
  player.comeBack(place);
}

/** A link to a place in the recording, from outside of the transcript. */
function playPlace(event, player) {
  const link = event.target.closest?.("a.place");
  if (!link || event.defaultPrevented || event.button || isModified(event)) return;
  event.preventDefault();
  player.seek(Number(link.dataset.at));
  player.play();
}

class Reading {
  constructor(list, player, element) {
    this.player = player;
    this.sentences = new Sentences(list);
    this.words = new Words(element.dataset.words, this.sentences);
    this.follow = new Follow(
      element,
      element.querySelector("[data-do=follow]"),
      document.getElementById("back-to-place"),
    );
    this.find = new Find(
      element.querySelector("#find"),
      element.querySelector("[data-do=find]"),
      this.sentences,
      () => (this.follow.rests = true),
    );
    this.doubtful = new Doubtful(this.words, this.sentences);
    this.overview = new Overview(element.querySelector(".voices"), list, () => player.duration);
    skipSilence(player, element.querySelector("[data-do=skip-silence]"), this.sentences);
    this.current = -1;
    this.word = null;
    this.stopAt = singleStop(list);
    player.addEventListener("place", ({ detail }) => this.move(detail));
    player.media.addEventListener("play", () => this.words.load());
    list.addEventListener("click", (event) => this.clicked(event));
    list.addEventListener("transcript:changed", ({ detail }) => this.changed(detail.n));
    list.addEventListener("transcript:restructured", ({ detail }) => this.restructured(detail.n));
    list.addEventListener("transcript:numbered", ({ detail }) => this.rename(detail));
    // Who corrects a sentence, or goes to one, stays with it.
    list.addEventListener("transcript:editing", () => {
      this.follow.rest();
      whenIdle(() => this.words.load()); // splitting needs them
    });
    list.addEventListener("transcript:visited", () => this.follow.rest());
    addEventListener("hashchange", () => this.goToAddress());
  }

  move({ time, byReader }) {
    const n = this.sentences.at(time);
    if (byReader) this.follow.rests = false;
    if (n !== this.current) {
      this.sentences.item(this.current)?.classList.remove("now");
      this.current = n;
      this.sentences.item(n)?.classList.add("now");
      this.stopAt(this.sentences.item(n));
      this.follow.move(this.sentences.item(n) ?? null);
    } else if (byReader) this.follow.move(this.sentences.item(n) ?? null);
    this.markWord(n, time);
  }

  markWord(n, time) {
    const word = n < 0 ? null : this.words.spokenAt(n, time);
    if (word === this.word) return;
    this.word = word;
    const paragraph = word && this.sentences.paragraph(n);
    const range = paragraph && rangeIn(paragraph, word.from, word.to);
    mark("spoken", range ? [range] : []);
  }

  /** The words of a sentence where they stand in `text`: its own, or what is made of it. */
  async wordsOf(n, text) {
    await this.words.load();
    return this.words.within(n, text);
  }

  async clicked(event) {
    if (event.defaultPrevented || event.button || isModified(event)) return;
    const link = event.target.closest("a.at");
    if (link) {
      event.preventDefault();
      const n = this.sentences.of(link);
      history.replaceState(null, "", link.getAttribute("href"));
      this.player.seek(this.sentences.start(n));
      this.player.play();
      return;
    }
    const paragraph = event.target.closest("p.text");
    if (!paragraph || paragraph.isContentEditable || !getSelection().isCollapsed) return;
    const n = this.sentences.of(paragraph);
    const offset = characterAt(paragraph, event.clientX, event.clientY);
    await this.words.load();
    const word = offset < 0 ? null : this.words.wordAtCharacter(n, offset);
    // A hair later, for a time between two words belongs to the one before.
    this.player.seek(word ? word.start + 0.001 : this.sentences.start(n));
  }

  changed(n) {
    this.words.forget(n);
    this.doubtful.changed(n);
    this.word = null;
    this.find.forget([n]);
    this.markWord(this.current, this.player.time);
  }

  /** Sentences were split, joined or moved; these have changed. */
  restructured(numbers) {
    const said = this.sentences.item(this.current);
    this.sentences.restructured(numbers);
    this.words.divide(numbers);
    for (const n of numbers) this.doubtful.moved(n);
    this.word = null;
    this.find.forget(numbers);
    const { time } = this.player;
    const now = this.sentences.item(this.sentences.at(time));
    if (now && now === said) return this.markWord(this.current, time); // nothing to be brought into view
    said?.classList.remove("now");
    this.current = -1;
    return this.move({ time, byReader: false });
  }

  /** A sentence has another number from now on. */
  rename({ from, n }) {
    for (const one of [this.sentences, this.words, this.doubtful, this.find]) one.rename(from, n);
    if (this.current === from) this.current = n;
  }

  /** #s12 is a sentence, ?t=63.2 a time. Returns whether the address names either. */
  goToAddress() {
    const named = /^#s(\d+)$/.exec(location.hash);
    if (named && this.sentences.item(Number(named[1]))) {
      this.player.seek(this.sentences.start(Number(named[1])));
      return true;
    }
    const asked = new URLSearchParams(location.search).get("t");
    const time = asked === null ? NaN : Number(asked);
    if (time >= 0) {
      this.player.seek(time);
      this.follow.resume();
    }
    return time >= 0;
  }
}

function isModified(event) {
  return event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
}
