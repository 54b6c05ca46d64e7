// Where the sound of a recording comes from: a microphone, and the sound of the screen or a tab.
import { _ } from "../page/i18n.js";
import { keep, kept } from "../browser/storage.js";

const CHOSEN = "microphone";
/** Levels are those of `Hearing.level`: a quiet room is above it, a microphone that is off is not. */
const SILENT_LEVEL = 0.05;
const SILENT_AFTER_S = 10;

/** What cannot be recorded, in words for people. */
export class NoSound extends Error {}

export const hasScreenSound = () => Boolean(navigator.mediaDevices?.getDisplayMedia);

/** The microphones as [id, name]; none before the browser was allowed to use one. */
export async function microphones() {
  const all = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  return all
    .filter(({ kind, label }) => kind === "audioinput" && label)
    .map(({ deviceId, label }) => [deviceId, label]);
}

export const chosenMicrophone = () => kept(CHOSEN) ?? "";

export const chooseMicrophone = (id) => keep(CHOSEN, id);

/** What is recorded. `stream` is for the recorder; `stop` ends all of it. */
export class Sound {
  constructor(microphone, screen) {
    this.microphone = microphone;
    this.screen = screen;
    this.context = new AudioContext();
    // Safari lets it rest where the microphone was asked for after the press, until it is told.
    if (this.context.state !== "running") this.context.resume().catch(() => {});
    const heard = this.context.createMediaStreamSource(microphone);
    if (screen) {
      // Mixed only where there are two: a microphone alone is recorded without a detour.
      const mixed = new MediaStreamAudioDestinationNode(this.context, { channelCount: 1 });
      const both = this.context.createGain();
      heard.connect(both);
      this.context.createMediaStreamSource(new MediaStream(screen.getAudioTracks())).connect(both);
      both.connect(mixed);
      this.stream = mixed.stream;
      this.hearing = new Hearing(this.context, both);
    } else {
      this.stream = microphone;
      this.hearing = new Hearing(this.context, heard);
    }
  }

  /** Ask the browser for the sound. Throws NoSound. */
  static async open(microphoneId, withScreen) {
    // The screen first: it may be asked for only right after a click.
    const screen = withScreen ? await shareScreen() : null;
    try {
      const audio = microphoneId ? { deviceId: { exact: microphoneId } } : true;
      return new Sound(await navigator.mediaDevices.getUserMedia({ audio }), screen);
    } catch (error) {
      for (const track of screen?.getTracks() ?? []) track.stop();
      if (error.name === "NotAllowedError") {
        throw new NoSound(
          _("The browser may not use the microphone. Allow it for this site and try again."),
        );
      }
      throw new NoSound(
        microphoneId
          ? _("The chosen microphone is not there. Choose another one.")
          : _("No microphone was found."),
      );
    }
  }

  /** A microphone that is pulled out ends the recording; sound of a screen that ends does not. */
  set onEnded(act) {
    this.microphone.getAudioTracks()[0].onended = act;
  }

  stop() {
    for (const stream of [this.microphone, this.screen]) {
      for (const track of stream?.getTracks() ?? []) {
        track.onended = null;
        track.stop();
      }
    }
    this.context.close();
  }
}

async function shareScreen() {
  let screen;
  try {
    // Browsers give no sound of a screen without its picture, which is not recorded.
    screen = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 1 }, audio: true });
  } catch {
    throw new NoSound(_("No screen or tab was shared, so nothing is recorded."));
  }
  if (screen.getAudioTracks().length) return screen;
  for (const track of screen.getTracks()) track.stop();
  throw new NoSound(
    _("What was shared has no sound. Share a tab or the whole screen, with its sound."),
  );
}

/** Measures what comes in. */
class Hearing {
  constructor(context, node) {
    this.context = context;
    this.analyser = context.createAnalyser();
    this.samples = new Float32Array(this.analyser.fftSize);
    node.connect(this.analyser);
    this.heardAt = performance.now();
  }

  /** 0 for silence, 1 for as loud as can be: decibels from -60 on. */
  level() {
    this.analyser.getFloatTimeDomainData(this.samples);
    const power = this.samples.reduce((sum, sample) => sum + sample * sample, 0) / this.samples.length;
    const level = Math.min(1, Math.max(0, 1 + Math.log10(power + 1e-9) / 6));
    if (level > SILENT_LEVEL || this.context.state !== "running") this.heardAt = performance.now();
    return level;
  }

  /** Count silence from now on, as after a pause. */
  startAnew() {
    this.heardAt = performance.now();
  }

  get isSilent() {
    return performance.now() - this.heardAt > SILENT_AFTER_S * 1000;
  }
}
