// Records in the browser: shows level and time, keeps each piece and sends it on.
import { tokenAccount } from "../page/api.js";
import { _ } from "../page/i18n.js";
import { stayWhile } from "../page/leaving.js";
import { clock, sizeText } from "../page/quantities.js";
import { createElement } from "../upload/row.js";
import { KeptRecording, hold } from "./recording_store.js";
import { deleteKept, KeptRow, offerKept, playerOf, saveAsFile, sureToDelete } from "./row.js";
import { Sending } from "./sending.js";
import { NoSound, Sound } from "./capture_sources.js";
import { SoundChoice } from "./sound_choice.js";

const KINDS = [
  ["audio/webm;codecs=opus", "webm"],
  ["audio/mp4", "m4a"],
  ["audio/ogg;codecs=opus", "ogg"],
];
/** The most of a recording that a crash can take. */
const PIECE_MS = 1000;
const BITS_PER_SECOND = 64_000; // plenty for speech: 29 MB an hour
const LEVEL_EVERY_MS = 100;

/** Show the recorder where the browser supports it, and what earlier visits have left. */
export function offerRecorder(area, uploads) {
  const account = tokenAccount;
  offerKept(account, uploads);
  const can = window.MediaRecorder && navigator.mediaDevices?.getUserMedia;
  const kind = can && KINDS.find(([type]) => MediaRecorder.isTypeSupported(type));
  if (!area || !kind) return;
  area.hidden = false;
  const recorder = new Recorder(area, kind, uploads, account);
  recorder.idle();
  window.addEventListener("online", () => recorder.sending?.wake());
  stayWhile(() => recorder.isUnsafe);
}

class Recorder {
  constructor(area, [type, suffix], uploads, account) {
    this.area = area;
    this.type = type;
    this.suffix = suffix;
    this.uploads = uploads;
    this.account = account;
    this.choice = new SoundChoice();
    this.kept = null;
    this.sending = null;
  }

  /** Whether leaving the page ends a recording, or loses one that could not be stored. */
  get isUnsafe() {
    const isRunning = ["recording", "paused"].includes(this.recorder?.state);
    return isRunning || Boolean(this.kept && !this.kept.isStored);
  }

  show(className, ...parts) {
    this.area.className = `recorder ${className}`;
    this.area.replaceChildren(...parts);
  }

  idle(problem = "") {
    this.kept = this.sending = this.recorder = null;
    const told = createElement("span", "problem-text", problem);
    told.setAttribute("role", "alert");
    this.show(
      "idle",
      button(_("Record"), () => this.start(), "record"),
      this.choice.element,
      ...(problem ? [told] : []),
    );
    this.choice.refresh();
  }

  async start() {
    this.area.querySelector(".record").disabled = true; // the browser may be asking for long
    try {
      this.sound = await this.choice.open();
    } catch (error) {
      this.idle(error instanceof NoSound ? error.message : _("No microphone was found."));
      return;
    }
    const endpoint = this.uploads.endpoint;
    this.kept = KeptRecording.begin({
      account: this.account, endpoint, name: this.name(), type: this.type,
    });
    this.letGo = await hold(this.kept.id); // before anything of it can be seen by other tabs
    navigator.storage?.persist?.().catch(() => {}); // else it is the first to go when room is short
    this.sending = new Sending(this.kept, (error) => this.told(error));
    this.recorder = new MediaRecorder(this.sound.stream, {
      mimeType: this.type,
      audioBitsPerSecond: BITS_PER_SECOND,
    });
    this.recorder.ondataavailable = ({ data }) => this.keep(data);
    this.recorder.onstop = () => this.finished();
    this.sound.onEnded = () => this.stop();
    this.seconds = 0;
    this.recorder.start(PIECE_MS);
    this.sending.begin();
    this.running = new AbortController();
    const { signal } = this.running;
    document.addEventListener("visibilitychange", () => this.stayAwake(), { signal });
    this.stayAwake();
    this.showRunning();
  }

  async keep(piece) {
    if (!piece.size) return;
    const { sending } = this;
    await this.kept.append(piece, this.count());
    sending.tick();
    this.say();
  }

  showRunning() {
    this.time = createElement("span", "time", clock(0));
    this.level = createElement("meter");
    this.level.setAttribute("aria-label", _("Level of the microphone"));
    const pause = button(_("Pause"), () => this.togglePause(pause));
    const stop = button(_("Stop"), () => this.stop(), "primary small");
    this.state = createElement("p", "told where");
    this.state.setAttribute("role", "status");
    this.silence = createElement("p", "problem-text silence");
    this.silence.setAttribute("role", "alert");
    const dot = createElement("span", "dot");
    this.show("running", dot, this.time, this.level, pause, stop, this.silence, this.state);
    stop.focus();
    this.error = undefined;
    this.say();
    this.countedAt = performance.now();
    this.timer = setInterval(() => this.showSound(), LEVEL_EVERY_MS);
  }

  showSound() {
    this.time.textContent = clock(this.count());
    const { hearing } = this.sound;
    const isRecording = this.recorder.state === "recording";
    this.level.value = isRecording ? hearing.level() : 0;
    if (!isRecording) hearing.startAnew();
    const warning = hearing.isSilent
      ? _("No sound is coming in. Is the right microphone chosen, and is it switched on?")
      : "";
    if (this.silence.textContent !== warning) this.silence.textContent = warning;
  }

  /** The seconds that were recorded until now. */
  count() {
    const now = performance.now();
    if (this.recorder.state === "recording") this.seconds += (now - this.countedAt) / 1000;
    this.countedAt = now;
    return this.seconds;
  }

  told(error) {
    this.error = error;
    this.say();
  }

  /** Say where the recording is, and what to do where something is wrong. */
  say() {
    if (!this.kept) return; // it is sent by its row now
    const text = this.whereItIs();
    if (this.state.textContent !== text) this.state.textContent = text;
    const isWrong = Boolean(this.error || this.kept.problem);
    this.state.classList.toggle("problem-text", isWrong);
  }

  whereItIs() {
    const { error } = this;
    if (this.kept.problem) {
      if (!error) {
        return _("This browser cannot keep the recording; its disk may be full. It goes on, and is sent while you speak: leave this page open.");
      }
      return _("This browser cannot keep the recording, and the server does not take it now. It goes on in this page alone: leave the page open.");
    }
    if (error === undefined) return _("Kept in this browser.");
    if (error === null) {
      return this.recorder.state === "inactive"
        ? _("Kept in this browser, and sent.")
        : _("Kept in this browser, and sent while you speak.");
    }
    if (error.status === 0) {
      return _("The server cannot be reached. The recording goes on and is kept in this browser.");
    }
    if (error.status === 401) {
      return _("You are signed out. The recording goes on and is kept in this browser; sign in in another tab, and it is sent.");
    }
    return _("%(message)s The recording goes on and is kept in this browser.", {
      message: error.message,
    });
  }

  togglePause(pause) {
    const isPaused = this.recorder.state === "paused";
    this.count();
    if (isPaused) this.recorder.resume();
    else this.recorder.pause();
    this.area.classList.toggle("paused", !isPaused);
    pause.textContent = isPaused ? _("Pause") : _("Go on");
  }

  stop() {
    if (this.recorder.state === "inactive") return; // as when the microphone was pulled out
    this.count();
    this.recorder.stop();
  }

  async finished() {
    clearInterval(this.timer);
    this.sound.stop();
    this.running.abort();
    this.awake?.release();
    const player = await playerOf(this.kept); // after the last piece
    const { kept, sending, letGo } = this;
    this.told(undefined); // until the rest is sent, too
    sending.wake();
    const about = createElement("span", "told", `${clock(this.seconds)} · ${sizeText(kept.bytes)}`);
    const end = () => {
      URL.revokeObjectURL(player.src);
      this.idle();
    };
    const send = button(_("Transcribe it"), () => {
      end();
      new KeptRow(kept, this.uploads, letGo).finish(sending);
    }, "primary small");
    const save = button(_("Save as a file"), () => saveAsFile(kept));
    const discard = button(_("Delete"), async () => {
      if (!(await sureToDelete())) return;
      end();
      await sending.stop();
      await deleteKept(kept);
      letGo?.();
    });
    this.show("recorded", player, about, send, save, discard, this.state);
    send.focus();
  }

  name() {
    const two = (value) => String(value).padStart(2, "0");
    const now = new Date();
    const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join("-");
    const time = `${two(now.getHours())}.${two(now.getMinutes())}`;
    const name = [_("Recording"), day, time].join(" ");
    return `${name}.${this.suffix}`;
  }

  /** A telephone that locks its screen stops recording. Asked for anew after the page was hidden. */
  async stayAwake() {
    if (document.hidden) return;
    try {
      this.awake = await navigator.wakeLock?.request("screen");
    } catch {
      // it is a kindness, no condition
    }
  }
}

function button(label, act, className = "") {
  const made = createElement("button", className, label);
  made.type = "button";
  made.onclick = act;
  return made;
}
