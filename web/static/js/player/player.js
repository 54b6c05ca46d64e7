import { copy, sayBriefly } from "../page/copy.js";
import { _ } from "../page/i18n.js";
import { clock } from "../page/quantities.js";
import { keep, kept } from "../browser/storage.js";
import { Outage } from "./outage.js";
import { Waveform } from "./waveform.js";

const REMEMBERED = "longscribe.speed";

/**
 * The recording and its controls. Dispatches "place" at every change of position; `detail` has the
 * time and whether the reader caused the change.
 */
export class Player extends EventTarget {
  constructor(element) {
    super();
    this.element = element;
    this.media = element.querySelector("audio, video");
    this.seekBar = element.querySelector(".seek");
    this.hover = element.querySelector(".hover");
    this.playButton = element.querySelector("[data-do=play]");
    this.speed = element.querySelector(".speed");
    this.shown = element.querySelector(".time .at");
    this.duration = Number(element.dataset.duration) || 0;
    this.mayBeElsewhere = "elsewhere" in element.dataset; // the server may redirect to the storage
    this.waveform = new Waveform(element.querySelector(".track"));
    this.waveform.load(element.dataset.peaks);
    this.listen();
    this.setSpeed(kept(REMEMBERED) ?? "1");
    element.classList.remove("waits");
    this.checkType();
  }

  /** Whether it played at the last event: what it cannot read Chromium pauses before it says so. */
  get isPlaying() {
    return this.element.classList.contains("is-playing");
  }

  get time() {
    return this.media.currentTime;
  }

  listen() {
    const { media } = this;
    // The mouse and fingers leave the focus where it was: in the open sentence, or where Enter opens one.
    this.element.addEventListener("mousedown", (event) => {
      if (event.target.closest("button")) event.preventDefault();
    });
    this.playButton.addEventListener("click", () => this.toggle());
    this.element.querySelector("[data-do=link]").addEventListener("click", (event) => this.link(event));
    for (const button of this.element.querySelectorAll("[data-skip]")) {
      button.addEventListener("click", () => this.skip(Number(button.dataset.skip)));
    }
    this.speed.addEventListener("change", () => this.setSpeed(this.speed.value));
    this.seekBar.addEventListener("input", () => this.seek(Number(this.seekBar.value)));
    this.seekBar.addEventListener("keydown", (event) => this.seekByKey(event));
    this.seekByTouch();
    this.seekBar.addEventListener("pointermove", (event) => this.point(event));
    this.seekBar.addEventListener("pointerleave", () => (this.hover.hidden = true));
    media.addEventListener("play", () => this.playing(true));
    media.addEventListener("pause", () => this.playing(false));
    media.addEventListener("seeked", () => this.tell(false));
    new Outage(this);
    media.addEventListener("durationchange", () => {
      if (!this.duration && Number.isFinite(media.duration)) this.setDuration(media.duration);
    });
  }

  setDuration(seconds) {
    this.duration = seconds;
    this.seekBar.max = seconds;
    this.element.querySelector(".time .total").textContent = clock(seconds);
  }

  /** Play or pause; going on, begin `back` seconds earlier. */
  toggle(back = 0) {
    if (!this.media.paused) this.media.pause();
    else {
      if (back && this.time > 0) this.skip(-back);
      this.play();
    }
  }

  play() {
    // Refused where it cannot be played; the error event tells why.
    this.media.play().catch(() => {});
  }

  seek(time) {
    this.media.currentTime = Math.min(Math.max(0, time), this.duration || Infinity);
    this.tell(true);
  }

  /** To a place of before, which is no move of the reader's now. */
  comeBack(time) {
    this.media.currentTime = time;
    this.tell(false);
  }

  /** Leave out what lies before `time`, which is no move of the reader's. */
  leap(time) {
    this.media.currentTime = time;
  }

  skip(seconds) {
    this.seek(this.time + seconds);
  }

  /** Copy a link to the place that is heard. */
  async link({ currentTarget: button }) {
    const address = new URL(location.pathname, location.href);
    address.searchParams.set("t", this.time.toFixed(1));
    const isCopied = await copy(String(address));
    if (!isCopied) history.replaceState(null, "", address);
    sayBriefly(button, isCopied ? _("Copied") : _("In the address bar"));
  }

  seekByKey(event) {
    const step = { ArrowLeft: -5, ArrowRight: 5, PageDown: -60, PageUp: 60 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.skip(step);
  }

  /** A finger beside the handle moves it, which an iPhone leaves to the page. */
  seekByTouch() {
    let isLeft = false;
    this.seekBar.addEventListener("pointerdown", (event) => (isLeft = event.pointerType === "touch"));
    this.seekBar.addEventListener("input", () => (isLeft = false));
    this.seekBar.addEventListener("click", (event) => {
      if (isLeft) this.seek(this.shareAt(event) * this.duration);
      isLeft = false;
    });
  }

  setSpeed(value) {
    const known = [...this.speed.options].some((option) => option.value === value);
    this.speed.value = known ? value : "1";
    this.media.defaultPlaybackRate = Number(this.speed.value);
    this.media.playbackRate = Number(this.speed.value);
    keep(REMEMBERED, this.speed.value);
  }

  /** One step faster or slower. */
  changeSpeed(by) {
    const index = this.speed.selectedIndex + by;
    const option = this.speed.options[Math.min(Math.max(0, index), this.speed.options.length - 1)];
    this.setSpeed(option.value);
  }

  playing(now) {
    this.element.classList.toggle("is-playing", now);
    this.playButton.setAttribute("aria-label", now ? _("Pause") : _("Play"));
    cancelAnimationFrame(this.frame);
    if (now) this.tick();
    else this.tell(false);
  }

  tick() {
    this.tell(false);
    this.frame = requestAnimationFrame(() => this.tick());
  }

  tell(byReader) {
    const { time } = this;
    const words = clock(time);
    if (this.shown.textContent !== words) {
      this.shown.textContent = words;
      this.seekBar.setAttribute("aria-valuetext", `${words} / ${clock(this.duration)}`);
    }
    this.seekBar.value = time;
    this.waveform.progress(this.duration ? Math.min(1, time / this.duration) : 0);
    this.dispatchEvent(new CustomEvent("place", { detail: { time, byReader } }));
  }

  /** Where a pointer is, as a share of the recording. */
  shareAt(event) {
    const { left, width } = this.seekBar.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / width));
  }

  point(event) {
    const share = this.shareAt(event);
    this.hover.hidden = false;
    this.hover.textContent = clock(share * this.duration);
    this.hover.style.left = `${100 * share}%`;
  }

  checkType() {
    const { type } = this.element.dataset;
    if (type !== "application/octet-stream" && this.media.canPlayType(type) === "") this.fail();
  }

  fail() {
    if (this.failed) return;
    this.failed = true;
    this.media.pause();
    this.element.classList.add("is-mute");
    for (const part of this.element.querySelectorAll(".play, .seek, .speed, [data-skip], [data-do=follow]")) {
      part.disabled = true;
    }
    const link = document.createElement("a");
    link.href = `${this.address}?download=1`;
    link.textContent = _("Download the recording");
    this.tellTrouble(
      _("This browser cannot play this kind of recording; the transcript can be read all the same."),
      " ",
      link,
    );
  }

  /** The recording without the player's parameters. */
  get address() {
    return this.media.getAttribute("src").split("?")[0];
  }

  /** Say what is wrong with the recording; without words, that nothing is. */
  tellTrouble(...words) {
    const trouble = this.element.querySelector(".trouble");
    trouble.replaceChildren(...words);
    trouble.hidden = words.length === 0;
  }
}
