// A recording that is kept in this browser: sent, listened to, saved as a file or deleted.
import { confirmAction } from "../page/confirm.js";
import { _, language } from "../page/i18n.js";
import { clock, sizeText } from "../page/quantities.js";
import { createElement, Row } from "../upload/row.js";
import { becomeJob } from "../upload/upload.js";
import { hold, keptRecordings } from "./recording_store.js";
import { Sending } from "./sending.js";

const when = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

/** Offer what earlier visits of this account have left in this browser. */
export async function offerKept(account, uploads) {
  for (const kept of await keptRecordings(account, uploads.endpoint)) {
    const letGo = await hold(kept.id);
    if (!letGo) continue; // another tab is recording or sending it
    if (!(await kept.isThere())) letGo();
    else if (kept.bytes || kept.about.uploadUrl) {
      letGo();
      new KeptRow(kept, uploads).offer();
    } else {
      await kept.remove(); // it ended before there was any sound
      letGo();
    }
  }
}

export class KeptRow {
  /** `letGo` ends the hold on it, where this page has it already. */
  constructor(kept, uploads, letGo = null) {
    this.kept = kept;
    this.uploads = uploads;
    this.letGo = letGo;
    this.row = new Row(kept.about.name);
    this.uploads.list.append(this.row.element);
  }

  offer(problem = "") {
    this.letGo?.();
    this.letGo = null;
    const { begunAt } = this.kept.about;
    const about = _("Recorded on %(when)s and kept in this browser: %(length)s, %(size)s.", {
      when: when.format(begunAt),
      length: clock(this.kept.seconds),
      size: sizeText(this.kept.bytes),
    });
    this.row.show(problem ? "failed" : "kept", [problem, about].filter(Boolean).join(" "), [
      [_("Transcribe it"), () => this.whileHeld(() => this.finish())],
      [_("Listen"), () => this.listen()],
      [_("Save as a file"), () => saveAsFile(this.kept)],
      [_("Delete"), () => this.remove()],
    ]);
  }

  /** Run `act` unless another tab is at it, or has ended it. */
  async whileHeld(act) {
    this.letGo ??= await hold(this.kept.id);
    if (!this.letGo) this.row.say(_("Another tab is at this recording."));
    else if (await this.kept.isThere()) await act();
    else this.end();
  }

  /** Send the rest and make a job of it. `before` is what has sent it until now. */
  async finish(before = null) {
    this.player?.remove();
    const metadata = this.uploads.metadata;
    this.sending = new Sending(this.kept, (error) => error && this.row.say(this.whyNot(error)));
    this.sending.moved = (bytes) => this.row.progress(bytes, Math.max(bytes, this.kept.bytes), 0);
    const later = [_("Not now"), () => this.sending.stop().then(() => this.offer())];
    this.row.show("sending", _("Sending the rest"), [later]);
    this.row.bar.removeAttribute("value");
    await before?.stop();
    try {
      // A page that was left while the job was made does not know whether it was.
      const url = this.kept.about.isSubmitted ? this.kept.about.uploadUrl : await this.sending.finish();
      if (!url) return;
      await this.kept.note({ isSubmitted: true });
      this.row.show("saving", _("Saving"));
      await becomeJob(this.uploads, this.row, url, metadata);
    } catch (error) {
      if (error.status === 404) await this.kept.note({ isSubmitted: false, uploadUrl: null });
      this.offer(error.message);
      return;
    }
    await this.kept.remove();
    this.end();
  }

  whyNot(error) {
    if (error.status === 0) return _("The line broke. Going on as soon as it is back.");
    if (error.status === 401) return _("You are signed out. Sign in in another tab, and it goes on here.");
    return _("%(message)s Trying again by itself.", { message: error.message });
  }

  async listen() {
    if (this.player?.isConnected) return this.player.focus();
    this.player = await playerOf(this.kept);
    this.row.element.append(this.player);
    this.player.focus();
    return null;
  }

  async remove() {
    if (!(await sureToDelete())) return;
    await this.whileHeld(async () => {
      await deleteKept(this.kept);
      this.end();
    });
  }

  end() {
    this.letGo?.();
    this.row.remove();
  }
}

export function sureToDelete() {
  return confirmAction(
    _("Delete this recording?"),
    _("It is nowhere else, and cannot be brought back."),
    _("Delete"),
  );
}

/** Delete it here and, as far as it was sent, on the server. */
export async function deleteKept(kept) {
  await new Sending(kept).discard();
  await kept.remove();
}

export async function playerOf(kept) {
  const player = createElement("audio");
  player.controls = true;
  player.src = URL.createObjectURL(await kept.whole());
  player.setAttribute("aria-label", _("Your recording"));
  return player;
}

export async function saveAsFile(kept) {
  const link = createElement("a");
  link.href = URL.createObjectURL(await kept.whole());
  link.download = kept.about.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser is reading it
}
