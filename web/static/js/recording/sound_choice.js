// What is chosen to be recorded: which microphone, and whether the sound of the screen as well.
import { _ } from "../page/i18n.js";
import { createElement } from "../upload/row.js";
import { chooseMicrophone, chosenMicrophone, hasScreenSound, microphones, Sound } from "./capture_sources.js";

export class SoundChoice {
  constructor() {
    this.element = createElement("span", "sound");
    this.select = createElement("select");
    this.select.setAttribute("aria-label", _("Microphone"));
    this.select.addEventListener("change", () => chooseMicrophone(this.select.value));
    this.screen = createElement("input");
    this.screen.type = "checkbox";
    const label = createElement("label", "choice");
    label.append(this.screen, createElement("span", "", _("With the sound of a tab or the screen")));
    label.hidden = !hasScreenSound();
    this.element.append(this.select, label);
    navigator.mediaDevices.addEventListener("devicechange", () => this.refresh());
  }

  /** Show the microphones that there are now; no choice where there is one at the most. */
  async refresh() {
    const all = await microphones();
    const chosen = chosenMicrophone();
    this.select.replaceChildren(
      ...all.map(([id, name]) => {
        const option = createElement("option", "", name);
        option.value = id;
        option.selected = id === chosen;
        return option;
      }),
    );
    this.select.hidden = all.length < 2;
  }

  /** Throws NoSound. */
  open() {
    return Sound.open(this.select.hidden ? "" : this.select.value, this.screen.checked);
  }
}
