import { Quiet } from "../transcript/quiet.js";
import { rowsOf } from "../transcript/rows.js";

const WAIT_MS = 500;

/**
 * Draws who speaks when on a strip below the waveform, each in the colour that they have in the
 * transcript; where nobody is told apart, when anybody speaks.
 */
export class Overview {
  constructor(canvas, list, durationOf) {
    this.canvas = canvas;
    this.list = list;
    this.durationOf = durationOf;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    list.addEventListener("transcript:painted", ({ detail }) => detail.n.length && this.draw());
    // Once nobody presses keys any more: of five hours it takes as long as a key's answer may.
    const later = new Quiet(() => this.draw(), WAIT_MS);
    list.addEventListener("transcript:restructured", () => later.soon());
  }

  /** Once for all that changes before the next frame. */
  draw() {
    this.asked ??= requestAnimationFrame(() => {
      this.asked = undefined;
      this.paint();
    });
  }

  paint() {
    const duration = this.durationOf();
    const density = devicePixelRatio || 1;
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!duration || !width) return;
    this.canvas.width = Math.round(width * density);
    this.canvas.height = Math.round(height * density);
    const pen = this.canvas.getContext("2d");
    const plain = getComputedStyle(this.canvas).color;
    const colours = new Map();
    for (const row of rowsOf(this.list)) {
      const { who, start, end } = row.dataset;
      if (!colours.has(who)) colours.set(who, this.colourOf(row, plain));
      pen.fillStyle = colours.get(who);
      const left = (Number(start) / duration) * this.canvas.width;
      const right = (Number(end) / duration) * this.canvas.width;
      pen.fillRect(left, 0, Math.max(density, right - left), this.canvas.height);
    }
  }

  /** The colour of a row's speaker, as the style sheet gives it for this theme. */
  colourOf(row, plain) {
    if (!row.dataset.who) return plain;
    const probe = document.createElement("span");
    probe.style.color = "var(--who)";
    row.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  }
}
