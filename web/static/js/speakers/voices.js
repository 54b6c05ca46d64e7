import { build } from "../edit/build.js";
import { api } from "../page/api.js";
import { _ } from "../page/i18n.js";
import { button } from "./button.js";

/** The speakers of this page beside the kept voices; `address` is empty where none are kept. */
export class Voices {
  constructor(address) {
    this.address = address;
    this.found = null;
    this.asked = 0;
  }

  /** Ask again, and for those who are shown as far as an older answer does not stand any more. */
  async load() {
    if (this.address) await this.find(api("GET", this.address));
  }

  /** Take the answer to the newest question: an older one may come after it. */
  async find(answer) {
    this.asked += 1;
    const { asked } = this;
    const found = await answer;
    if (asked === this.asked) this.found = found;
  }

  /** What is known of a speaker's voice at a revision of the speakers, or undefined. */
  of(number, revision) {
    if (this.found?.revision !== revision) return undefined;
    return this.found.speakers.find((one) => one.speaker === number);
  }

  async confirm({ speaker, suggestion }, revision) {
    await this.answer({ kind: "confirm", speaker, voice: suggestion.voice, revision });
  }

  async refuse({ speaker, suggestion }) {
    await this.answer({ kind: "refuse", speaker, voice: suggestion.voice });
  }

  async answer(json) {
    await this.find(api("POST", this.address, { json }));
  }

  async keep({ speaker }, revision) {
    const json = { job_id: this.found.job_id, speaker, revision };
    await api("POST", this.address.replace(/jobs\/.*$/, "voices"), { json });
    await this.load();
  }
}

/** What stands below a speaker of whose voice `beside` tells: a suggestion, or that it is kept. */
export function voiceLine(beside, act) {
  const { speaker, suggestion } = beside;
  if (suggestion) {
    const { name, likeness } = suggestion;
    const text = _("Perhaps %(name)s, likeness %(likeness)s", { name, likeness: likeness.toFixed(2) });
    return build(
      "p",
      { className: "voice" },
      build("span", {}, text),
      button(_("Confirm"), _("Yes, this is %(name)s", { name }), `confirm-${speaker}`, () => act.confirm(beside)),
      button(_("No"), _("No, this is not %(name)s", { name }), `refuse-${speaker}`, () => act.refuse(beside)),
    );
  }
  if (beside.kept_as) return build("p", { className: "voice" }, _("This voice is kept."));
  if (!beside.can_be_kept) return "";
  const title = _("Keep the voice of %(name)s, to have it suggested in other recordings", { name: beside.name });
  return build(
    "p",
    { className: "voice" },
    button(_("Keep this voice"), title, `keep-${speaker}`, () => act.keep(beside)),
  );
}
