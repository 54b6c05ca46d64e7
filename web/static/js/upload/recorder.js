// Records in the browser, shows level and time, and lets one listen, send or discard.
import { _ } from "../page/i18n.js";
import { clock, sizeText } from "../page/quantities.js";
import { createElement } from "./row.js";

const KINDS = [
  ["audio/webm;codecs=opus", "webm"],
  ["audio/mp4", "m4a"],
  ["audio/ogg;codecs=opus", "ogg"],
];
const PIECE_MS = 5000;
const BITS_PER_SECOND = 64_000; // plenty for speech: 29 MB an hour
const LEVEL_EVERY_MS = 100;

/** Show the recorder where the browser supports it. `take` gets the finished file. */
export function offerRecorder(area, take) {
  const can = window.MediaRecorder && navigator.mediaDevices?.getUserMedia;
  const kind = can && KINDS.find(([type]) => MediaRecorder.isTypeSupported(type));
  if (!area || !kind) return;
  area.hidden = false;
  const recorder = new Recorder(area, kind, take);
  recorder.idle();
  window.addEventListener("beforeunload", (event) => {
    if (recorder.isUnsent) event.preventDefault();
  });
}

class Recorder {
  constructor(area, [type, suffix], take) {
    this.area = area;
    this.type = type;
    this.suffix = suffix;
    this.take = take;
    this.isUnsent = false;
  }

  show(className, ...parts) {
    this.area.className = `recorder ${className}`;
    this.area.replaceChildren(...parts);
  }

  idle(problem = "") {
    this.isUnsent = false;
    const told = createElement("span", "problem-text", problem);
    told.setAttribute("role", "alert");
    this.show("idle", button(_("Record"), () => this.start(), "record"), ...(problem ? [told] : []));
  }

  async start() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      this.idle(
        error.name === "NotAllowedError"
          ? _("The browser may not use the microphone. Allow it for this site and try again.")
          : _("No microphone was found."),
      );
      return;
    }
    this.pieces = [];
    this.bytes = 0;
    this.seconds = 0;
    this.recorder = new MediaRecorder(this.stream, {
      mimeType: this.type,
      audioBitsPerSecond: BITS_PER_SECOND,
    });
    this.recorder.ondataavailable = ({ data }) => {
      this.pieces.push(data);
      this.bytes += data.size;
    };
    this.recorder.onstop = () => this.finished();
    // A microphone that is pulled out ends the recording; what was said until then is kept.
    this.stream.getTracks()[0].onended = () => this.stop();
    this.recorder.start(PIECE_MS);
    this.isUnsent = true;
    this.stayAwake();
    this.showRunning();
  }

  showRunning() {
    const time = createElement("span", "time", clock(0));
    const level = createElement("meter");
    level.setAttribute("aria-label", _("Level of the microphone"));
    const pause = button(_("Pause"), () => this.togglePause(pause));
    const stop = button(_("Stop"), () => this.stop(), "primary small");
    this.show("running", createElement("span", "dot"), time, level, pause, stop);
    stop.focus();
    const hear = listen(this.stream);
    let before = performance.now();
    this.timer = setInterval(() => {
      const now = performance.now();
      if (this.recorder.state === "recording") this.seconds += (now - before) / 1000;
      before = now;
      time.textContent = clock(this.seconds);
      level.value = this.recorder.state === "recording" ? hear.level() : 0;
    }, LEVEL_EVERY_MS);
    this.hush = () => hear.close();
  }

  togglePause(pause) {
    const paused = this.recorder.state === "paused";
    if (paused) this.recorder.resume();
    else this.recorder.pause();
    this.area.classList.toggle("paused", !paused);
    pause.textContent = paused ? _("Pause") : _("Go on");
  }

  stop() {
    if (this.recorder.state === "inactive") return;
    this.recorder.stop();
    clearInterval(this.timer);
    this.hush();
    for (const track of this.stream.getTracks()) track.stop();
    this.awake?.release();
  }

  finished() {
    const sound = new Blob(this.pieces, { type: this.type.split(";")[0] });
    const address = URL.createObjectURL(sound);
    const player = createElement("audio");
    player.controls = true;
    player.src = address;
    player.setAttribute("aria-label", _("Your recording"));
    const done = () => {
      URL.revokeObjectURL(address);
      this.idle();
    };
    const send = button(_("Transcribe it"), () => {
      const file = new File([sound], this.name(), { type: sound.type });
      done();
      this.take(file);
    }, "primary small");
    const about = createElement("span", "told", `${clock(this.seconds)} · ${sizeText(this.bytes)}`);
    this.show("recorded", player, about, send, button(_("Discard"), done));
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

  /** A telephone that locks its screen stops recording. */
  async stayAwake() {
    try {
      this.awake = await navigator.wakeLock?.request("screen");
    } catch {
      // it is a kindness, no condition
    }
  }
}

function listen(stream) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  const samples = new Float32Array(analyser.fftSize);
  context.createMediaStreamSource(stream).connect(analyser);
  return {
    /** 0 for silence, 1 for as loud as can be: decibels from -60 on. */
    level() {
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      return Math.min(1, Math.max(0, 1 + Math.log10(power + 1e-9) / 6));
    },
    close: () => context.close(),
  };
}

function button(label, act, className = "") {
  const made = createElement("button", className, label);
  made.type = "button";
  made.onclick = act;
  return made;
}
