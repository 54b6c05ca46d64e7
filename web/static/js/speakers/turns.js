import { build } from "../edit/build.js";
import { _ } from "../page/i18n.js";
import { isStill } from "../transcript/follow.js";
import { boxOf, rowsOf } from "../transcript/rows.js";
import { lookOf } from "./look.js";

/** Goes from turn to turn of one speaker, by a strip at the foot of the window. */
export class Turns {
  constructor(list) {
    this.list = list;
    this.strip = null;
  }

  /** Go to the speaker's next turn below the top of what is in view. */
  begin({ number, name }, from) {
    this.close();
    this.number = number;
    this.from = from;
    this.at = null;
    const at = build("span", { className: "at", role: "status" });
    const step = (label, sign, by) => {
      const made = build("button", { type: "button", title: label, "aria-label": label }, sign);
      made.addEventListener("click", () => this.step(by));
      return made;
    };
    const next = step(_("Next turn of %(name)s", { name }), "↓", 1);
    const close = build("button", { type: "button", "aria-label": _("Close") }, "×");
    close.addEventListener("click", () => this.end());
    this.strip = build(
      "div",
      { className: "turn-steps", role: "group", "aria-label": _("Turns of %(name)s", { name }) },
      build("span", { className: ["who", ...lookOf(number)].join(" ") }, name),
      at,
      step(_("Turn before, of %(name)s", { name }), "↑", -1),
      next,
      close,
    );
    this.strip.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      this.end();
    });
    document.querySelector("main").append(this.strip);
    document.getElementById("back-to-place")?.classList.add("above-steps");
    this.step(1);
    next.focus();
  }

  get rows() {
    const mine = (row) => Number(row?.dataset.who) === this.number;
    const rows = rowsOf(this.list);
    return rows.filter((row, place) => mine(row) && !mine(rows[place - 1]));
  }

  step(by) {
    const { rows } = this;
    if (!rows.length) return this.end();
    let place = rows.indexOf(this.at);
    if (place < 0) {
      const top = Math.max(0, document.querySelector(".player")?.getBoundingClientRect().bottom ?? 0);
      place = rows.findIndex((row) => boxOf(row).getBoundingClientRect().top > top) - 1;
      if (place < -1) place = rows.length - 1;
    }
    this.show(rows, (place + by + rows.length) % rows.length);
    return null;
  }

  show(rows, place) {
    this.at?.classList.remove("here");
    this.at = rows[place];
    this.at.classList.add("here");
    const where = _("%(at)s of %(all)s", { at: place + 1, all: rows.length });
    this.strip.querySelector(".at").textContent = where;
    const far = Math.abs(this.at.getBoundingClientRect().top) > 2 * innerHeight;
    this.at.scrollIntoView({ block: "center", behavior: far || isStill() ? "instant" : "smooth" });
    const detail = { n: Number(this.at.dataset.n) };
    this.list.dispatchEvent(new CustomEvent("transcript:visited", { detail, bubbles: true }));
  }

  /** Close the strip; the focus goes where it was begun. */
  end() {
    this.close();
    document.querySelector(`#speakers [data-focus="${this.from}"]`)?.focus();
  }

  close() {
    this.at?.classList.remove("here");
    this.strip?.remove();
    document.getElementById("back-to-place")?.classList.remove("above-steps");
    this.strip = null;
  }
}
