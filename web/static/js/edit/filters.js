import { ngettext } from "../page/i18n.js";
import { whenIdle } from "../transcript/quiet.js";

/** How many sentences people and rules changed, and the buttons that show these alone. */
export class Filters {
  constructor(list) {
    this.list = list;
    this.corrected = document.querySelector("[data-corrected]");
    this.corrected?.addEventListener("click", () => this.showOnlyCorrected());
    this.ruled = document.querySelector("[data-ruled]");
    const ruledOnly = document.querySelector("[data-ruled-only]");
    ruledOnly?.addEventListener("click", () => {
      const only = ruledOnly.getAttribute("aria-pressed") !== "true";
      ruledOnly.setAttribute("aria-pressed", only);
      list.classList.toggle("only-ruled", only);
    });
    this.countNow();
  }

  /** Count again, of the whole transcript: no key waits for that. */
  count() {
    if (this.isAsked) return;
    this.isAsked = true;
    whenIdle(() => {
      this.isAsked = false;
      this.countNow();
    });
  }

  countNow() {
    if (!this.corrected) return;
    const num = this.list.querySelectorAll(".corrected:not(.by-rule)").length;
    this.corrected.hidden = num === 0;
    this.corrected.textContent = ngettext("%(num)s corrected", "%(num)s corrected", num);
    if (num === 0) this.showOnlyCorrected(false);
    if (!this.ruled) return;
    const ruledNum = this.list.querySelectorAll(".by-rule").length;
    this.ruled.textContent = ngettext(
      "Rules changed %(num)s sentence.",
      "Rules changed %(num)s sentences.",
      ruledNum,
    );
  }

  showOnlyCorrected(only = this.corrected.getAttribute("aria-pressed") !== "true") {
    this.corrected.setAttribute("aria-pressed", only);
    this.list.classList.toggle("only-corrected", only);
  }
}
