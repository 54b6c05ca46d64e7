/**
 * Draws a recording's loudness on two canvases that lie on each other, the upper one in the colour of
 * what has been played. Only its visible part changes while it plays, so that costs nothing.
 */
export class Waveform {
  constructor(track) {
    this.track = track;
    [this.rest, this.played] = track.querySelectorAll("canvas");
    this.peaks = [];
    new ResizeObserver(() => this.draw()).observe(track);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  /** Fetch the peaks; without them the track stays a plain line. */
  async load(address) {
    try {
      const answer = await fetch(address);
      if (answer.ok) this.peaks = (await answer.json()).peaks;
    } catch {
      // A line to seek on is enough.
    }
    this.track.classList.toggle("plain", this.peaks.length === 0);
    this.draw();
  }

  progress(share) {
    this.played.style.clipPath = `inset(0 ${100 * (1 - share)}% 0 0)`;
    this.track.style.setProperty("--share", share);
  }

  draw() {
    if (!this.peaks.length) return;
    for (const canvas of [this.rest, this.played]) {
      const density = devicePixelRatio || 1;
      const { width, height } = canvas.getBoundingClientRect();
      canvas.width = Math.round(width * density);
      canvas.height = Math.round(height * density);
      const pen = canvas.getContext("2d");
      pen.fillStyle = getComputedStyle(canvas).color;
      this.bars(pen, canvas.width, canvas.height, density);
    }
  }

  bars(pen, width, height, density) {
    const step = 3 * density;
    const bars = Math.max(1, Math.floor(width / step));
    for (let bar = 0; bar < bars; bar += 1) {
      const from = Math.floor((bar * this.peaks.length) / bars);
      const to = Math.max(from + 1, Math.floor(((bar + 1) * this.peaks.length) / bars));
      // The mean: the loudest of a minute is as loud as that of any other, which makes a solid block
      // of an hour. The root: speech far from the microphone shows beside speech close to it.
      let sum = 0;
      for (let at = from; at < to; at += 1) sum += this.peaks[at];
      const tall = Math.max(density, Math.sqrt(sum / (to - from) / 255) * height);
      pen.fillRect(bar * step, (height - tall) / 2, 2 * density, tall);
    }
  }
}
