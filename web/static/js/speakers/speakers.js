// Who speaks: the panel above the transcript, and what it changes.
import { build } from "../edit/build.js";
import { list as sentences, numberOf } from "../edit/sentence.js";
import { _, ngettext } from "../page/i18n.js";
import { clock } from "../page/quantities.js";
import { keep, kept } from "../browser/storage.js";
import { Quiet } from "../transcript/quiet.js";
import { rowsOf } from "../transcript/rows.js";
import { chooseSpeaker } from "./assign.js";
import { changeList, changeText, countText } from "./history.js";
import { paint } from "./painting.js";
import { personRow } from "./people.js";
import { Store } from "./store.js";
import { lookOf } from "./look.js";
import { Turns } from "./turns.js";
import { Voices } from "./voices.js";

const MOST_SPEAKERS = 30;
const WAIT_MS = 2000;
const REMEMBERED = "longscribe.speakers";
const NARROW = "(max-width: 34rem)";
const MEANWHILE = _(
  "Somebody else changed the speakers meanwhile. Here they are as they are now; yours was not made.",
);

/** Make the speakers of this page nameable: at once, or where nobody asked who speaks, by a button. */
export function nameSpeakers() {
  const panel = document.getElementById("speakers");
  return panel?.dataset.address && sentences() ? new Speakers(panel, sentences()) : null;
}

class Speakers {
  constructor(panel, list) {
    this.panel = panel;
    this.list = list;
    this.store = new Store(panel.dataset.address);
    this.voices = new Voices(panel.dataset.voices);
    this.turns = new Turns(list);
    this.only = null;
    this.said = build("p", { className: "told", role: "status" });
    this.notice = build("p", { className: "only-one", role: "status", hidden: true });
    this.below = build("div", { className: "below", hidden: true });
    this.changes = build("details", { className: "changes", hidden: true });
    this.people = panel.querySelector(".people");
    panel.append(this.said, this.below, this.changes);
    this.earlier = Promise.resolve();
    this.asked = null; // the newest change, as long as it is on its way
    list.before(this.notice);
    // How much each speaks, once nobody splits or moves sentences any more: it is asked of the whole.
    this.later = new Quiet(() => this.load(), WAIT_MS);
    list.addEventListener("transcript:restructured", () => this.store.state && this.later.soon());
    const begin = document.getElementById("name-speakers");
    if (begin) this.wait(begin);
    else this.begin();
  }

  wait(button) {
    button.addEventListener("click", async () => {
      this.panel.hidden = false;
      this.panel.open = true;
      button.hidden = true;
      this.panel.querySelector("summary").focus();
      await this.load();
    });
  }

  begin() {
    const { panel } = this;
    const usual = matchMedia(NARROW).matches ? "no" : "yes";
    panel.open = (kept(REMEMBERED) ?? usual) === "yes";
    panel.querySelector("summary").addEventListener("click", () => {
      keep(REMEMBERED, panel.open ? "no" : "yes"); // as it is before the click
    });
    this.load();
  }

  async load() {
    this.later.stop();
    try {
      await this.store.load();
      this.say("");
      this.list.classList.add("naming"); // the buttons of a sentence say who speaks it
      this.show();
    } catch (error) {
      this.say(error.message, [[_("Try again"), () => this.load()]], "bad");
      return;
    }
    await this.compare();
  }

  /** Show who may be whose kept voice. Without an answer the speakers are as they are. */
  async compare() {
    if (!this.panel.dataset.voices) return;
    await this.voices.load().catch(() => null);
    this.show();
  }

  // --- what is shown ---------------------------------------------------------------------------

  show() {
    const { state } = this.store;
    const focus = this.panel.contains(document.activeElement) && document.activeElement.dataset.focus;
    const speakers = state.speakers;
    if (!speakers.some((one) => one.number === this.only)) this.only = null;
    const many = ngettext("%(num)s speaker", "%(num)s speakers", speakers.length);
    this.panel.querySelector("h3").textContent = speakers.length ? many : _("Speakers");
    const act = {
      rename: (number, name) => this.rename(number, name),
      merge: (number, into) => this.change("merge", { speaker: number, into }, `name-${into}`),
      split: (number) => this.change("split", { speaker: number }, `name-${number}`),
      only: (number) => this.showOnly(this.only === number ? null : number),
      next: (number) => this.next(speakers.find((one) => one.number === number)),
      confirm: (beside) => this.answer(beside, "confirm"),
      refuse: (beside) => this.answer(beside, "refuse"),
      keep: (beside) => this.answer(beside, "keep"),
    };
    const open = this.people.querySelector("input");
    const about = { speakers, only: this.only, canSplit: state.can_count, act };
    this.people.replaceChildren(
      ...speakers.map((one) =>
        personRow(one, { ...about, beside: this.voices.of(one.number, state.revision) }),
      ),
    );
    if (!speakers.length) {
      const how = _("Nobody is named yet. Point at a sentence, or tap it and then “⋯”, and press “Speaker” to say who says it.");
      this.people.append(build("li", { className: "nobody" }, how));
    }
    this.showTogether();
    this.showBelow();
    this.showChanges();
    paint(this.list, state);
    this.filter();
    if (open) this.goOn(open);
    else if (focus) this.focus(focus);
  }

  /** Whoever writes a name meanwhile goes on writing it. */
  goOn({ value, dataset, selectionStart, selectionEnd }) {
    const button = this.panel.querySelector(`[data-focus="name-${dataset.of}"]`);
    button?.click();
    const field = this.people.querySelector("input");
    if (!field) return;
    field.value = value;
    field.setSelectionRange(selectionStart, selectionEnd);
  }

  focus(key) {
    const found = this.panel.querySelector(`[data-focus="${key}"]`) ?? this.panel.querySelector("summary");
    found.focus({ preventScroll: true });
  }

  /** How long two speak at once, which changes where two become one person. */
  showTogether() {
    const shown = this.panel.querySelector(".together");
    if (!shown) return;
    const seconds = this.store.state.overlap ?? 0;
    const time = clock(seconds);
    shown.hidden = seconds < 1;
    shown.textContent = _("Two or more speak at once: %(time)s", { time });
  }

  showBelow() {
    const { state } = this.store;
    const { last } = this.store;
    this.below.hidden = !state.can_count && !last;
    this.below.replaceChildren();
    if (state.can_count) this.below.append(...this.counting(state));
    if (last) {
      const label = _("Undo: %(change)s", { change: changeText(last) });
      const undo = build("button", { type: "button", dataset: { focus: "undo" } }, label);
      undo.addEventListener("click", () => this.change("undo", { edit: last.number }));
      this.below.append(undo);
    }
  }

  counting({ wanted }) {
    const numbers = Array.from({ length: MOST_SPEAKERS }, (_none, place) => String(place + 1));
    const offered = ["auto", ...numbers];
    if (wanted && !offered.includes(wanted)) offered.unshift(wanted);
    const select = build(
      "select",
      { "aria-describedby": "count-hint", autocomplete: "off", dataset: { focus: "count" } },
      ...offered.map((value) => build("option", { value, selected: value === wanted }, countText(value))),
    );
    const go = build("button", { type: "button", dataset: { focus: "tell-apart" } }, _("Tell apart again"));
    go.addEventListener("click", () => this.change("count", { wanted: select.value }));
    const hint = _("Divides the voices anew. Names stay with their voices, and what you gave to somebody by hand stays theirs.");
    return [
      build("label", {}, build("span", {}, _("How many")), select),
      go,
      build("p", { className: "hint", id: "count-hint" }, hint),
    ];
  }

  showChanges() {
    const { edits, revision } = this.store.state;
    this.changes.hidden = !edits.length;
    const many = ngettext("%(num)s change", "%(num)s changes", revision);
    const summary = build("summary", { dataset: { focus: "changes" } }, many);
    const { own: id, ownName: name } = this.panel.dataset;
    this.changes.replaceChildren(
      summary,
      changeList(edits, { id, name }, (edit) => this.change("undo", { edit })),
    );
  }

  // --- one speaker alone -----------------------------------------------------------------------

  showOnly(number) {
    this.only = number;
    for (const button of this.people.querySelectorAll("[aria-pressed]")) {
      button.setAttribute("aria-pressed", String(button.dataset.focus === `only-${number}`));
    }
    this.filter();
  }

  filter() {
    for (const row of rowsOf(this.list)) {
      row.classList.toggle("not-asked", this.only !== null && Number(row.dataset.who) !== this.only);
    }
    this.notice.hidden = this.only === null;
    if (this.only === null) return;
    const all = build("button", { type: "button" }, _("Show all"));
    const focus = `only-${this.only}`;
    all.addEventListener("click", () => {
      this.showOnly(null);
      this.focus(focus);
    });
    const look = ["who", ...lookOf(this.only)].join(" ");
    const who = build("span", { className: look }, this.store.name(this.only));
    this.notice.replaceChildren(build("span", {}, _("Shown are only the sentences of")), who, all);
  }

  next(speaker) {
    if (this.only !== null && this.only !== speaker.number) this.showOnly(null);
    this.turns.begin(speaker, `next-${speaker.number}`);
  }

  // --- changes ---------------------------------------------------------------------------------

  async rename(number, name) {
    if (!(await this.change("rename", { speaker: number, name })) || !name) return;
    const same = this.store.state.speakers.find((one) => one.name === name && one.number !== number);
    if (!same) return;
    const merge = () => this.change("merge", { speaker: number, into: same.number }, `name-${same.number}`);
    this.say(_("Two speakers are called %(name)s now.", { name }), [[_("They are one person"), merge]]);
  }

  /** Ask who says the sentence in `row`, or several, and note it. */
  async assign(row) {
    const chosen = await chooseSpeaker(this.list, row, this.store.state.speakers);
    if (chosen) await this.giveTo(chosen);
    row.querySelector(".at").focus({ preventScroll: true });
  }

  /** Note who says sentences, and what somebody new is called. */
  async giveTo({ name, ...detail }) {
    const before = new Set(this.store.state.speakers.map((one) => one.number));
    const again = () => this.giveTo({ name, ...detail });
    if (!(await this.change("assign", detail, undefined, again)) || !name) return;
    const added = this.store.state.speakers.find((one) => !before.has(one.number));
    if (added) await this.rename(added.number, name);
  }

  /** Whether the panel has a speaker at a place, from 1. */
  hasPlace(place) {
    return Boolean(this.store.state?.speakers[place - 1]);
  }

  /** Give the sentence in `row` to the speaker at a place of the panel. */
  give(row, place) {
    const { number } = this.store.state.speakers[place - 1] ?? {};
    if (!number) return;
    const detail = { sentences: [numberOf(row)], speaker: number };
    // Whose it is then, for a change before this one may be on its way.
    const isHad = () => Number(row.dataset.who ?? 0) === number;
    this.once(["give", detail], () => isHad() || this.make("assign", detail));
  }

  /** Make an edit, after those before it. Resolves to whether it was made; where it fails, `again` is offered. */
  change(kind, detail, focus, again) {
    return this.once([kind, detail], () => this.make(kind, detail, focus, again));
  }

  /** Say what is to become of a voice: `how` is a method of Voices. After the changes before it. */
  answer(beside, how) {
    return this.once([how, beside.speaker], () => this.answerNow(beside, how));
  }

  /** Act after what was asked for before, and once for a double click or a key that is held. */
  once(what, act) {
    const asked = JSON.stringify(what);
    if (asked !== this.asked) {
      this.asked = asked;
      this.earlier = this.earlier.then(act).finally(() => {
        if (this.asked === asked) this.asked = null;
      });
    }
    return this.earlier;
  }

  async answerNow(beside, how) {
    this.panel.setAttribute("aria-busy", "true");
    this.say(_("Saving…"));
    try {
      await this.voices[how](beside, this.store.state.revision);
      if (how === "confirm") await this.store.load();
      this.show();
      this.say(_("Saved."));
      this.focus(`name-${beside.speaker}`);
    } catch (error) {
      await this.load();
      this.say(error.code === "speakers_edited_meanwhile" ? MEANWHILE : error.message, [], "bad");
    }
    this.panel.removeAttribute("aria-busy");
  }

  async make(kind, detail, focus = null, again = () => this.change(kind, detail, focus)) {
    this.panel.setAttribute("aria-busy", "true");
    this.say(_("Saving…"));
    let made = false;
    try {
      made = await this.store.change(kind, detail);
      this.show();
      if (made) this.say(_("Saved."));
      else this.say(MEANWHILE, [], "bad");
      if (focus) this.focus(focus);
      this.compare();
    } catch (error) {
      this.say(error.message, error.mayPass ? [[_("Try again"), again]] : [], "bad");
    }
    this.panel.removeAttribute("aria-busy");
    return made;
  }

  say(text, actions = [], tone = "") {
    const buttons = actions.map(([label, act]) => {
      const button = build("button", { type: "button" }, label);
      button.addEventListener("click", act);
      return button;
    });
    this.said.className = `told ${tone}`;
    this.said.replaceChildren(...(text ? [text, ...buttons] : []));
  }
}
