// Sending recordings one after the other, and going on with those of an earlier visit.
import { api } from "../page/api.js";
import { _ } from "../page/i18n.js";
import { notifyWhenDone } from "../page/notify.js";
import { sizeText } from "../page/quantities.js";
import { keptNames } from "../browser/storage.js";
import { keepWords, keptWords } from "./hotwords.js";
import { deleteUpload, forgetUpload, unfinishedUploads, uploadOffset } from "./tus.js";
import { Row } from "./row.js";
import { Upload } from "./upload.js";

export class UploadQueue {
  constructor(form, list, onAccepted) {
    this.form = form;
    this.list = list;
    this.onAccepted = onAccepted;
    this.endpoint = new URL(form.dataset.uploads, location.href).href;
    this.maxBytes = Number(form.dataset.maxBytes);
    this.waiting = [];
    this.current = null;
  }

  get isSending() {
    return this.current !== null || this.waiting.length > 0;
  }

  take(files) {
    for (const file of files) {
      const one = new Upload(this, file);
      this.list.append(one.row.element);
      one.check();
    }
  }

  queue(one, { first = false } = {}) {
    if (first) this.waiting.unshift(one);
    else this.waiting.push(one);
    this.next();
  }

  next() {
    if (this.current || !this.waiting.length) return;
    this.current = this.waiting.shift();
    this.current.run();
  }

  /** Remove `one`, which is done, paused, failed or cancelled, and start the next one. */
  leave(one) {
    this.waiting = this.waiting.filter((other) => other !== one);
    if (this.current === one) this.current = null;
    this.next();
  }

  /** Try again at once when the browser is online again. */
  hurry() {
    this.current?.hurry();
  }

  /** The form's choices, kept with the upload until it is a job. */
  get metadata() {
    const chosen = this.form.elements;
    const { later, tracks, channels, speakers, replacements, numbers, model, hotwords } = chosen;
    return {
      ...(later?.checked && { priority: "-5" }),
      ...(tracks && { tracks: tracks.value }),
      ...(channels && { channels: channels.value }),
      ...(speakers && !speakers.disabled && speakers.value !== "off" && { speakers: speakers.value }),
      ...(replacements?.checked && { replacements: replacements.value }),
      ...(model?.value && { model: model.value }),
      ...(hotwords?.value.trim() && { hotwords: keepWords(hotwords.value) }),
      ...(chosen.without_hotword_lists?.checked && { hotword_lists: "false" }),
      ...(numbers?.checked && { numbers: numbers.value }),
    };
  }

  async submit(uploadUrl, metadata) {
    const job = await api("POST", this.form.dataset.api, {
      json: {
        upload_id: uploadUrl.split("/").at(-1),
        priority: Number(metadata.priority ?? 0),
        tracks: metadata.tracks ?? "mix",
        channels: metadata.channels ?? "mix",
        ...(metadata.speakers && { speakers: metadata.speakers }),
        ...(metadata.replacements && { replacements: metadata.replacements }),
        ...(metadata.model && { model: metadata.model }),
        ...(metadata.hotwords && { hotwords: keptWords(metadata.hotwords) }),
        ...(metadata.hotword_lists && { hotword_lists: false }),
        ...(metadata.numbers && { numbers: metadata.numbers }),
      },
    });
    await forgetUpload(uploadUrl);
    if (this.form.elements.notify?.checked) notifyWhenDone(job.id, job.title);
    this.onAccepted();
  }

  /** Resume uploads of an earlier visit: complete ones become jobs, others need their file again. */
  async offerUnfinished(input) {
    if (!keptNames().some((key) => key.startsWith("tus::"))) return;
    for (const left of await unfinishedUploads(this.endpoint)) {
      const name = left.metadata.filename;
      try {
        const offset = await uploadOffset(left.uploadUrl);
        if (offset === null) await forgetUpload(left.uploadUrl);
        else if (offset === 0) await this.discard(left.uploadUrl); // nothing to go on with
        else if (offset === left.size) await this.submit(left.uploadUrl, left.metadata);
        else this.offer(left, name, offset, input);
      } catch {
        this.offer(left, name, 0, input); // cannot be asked now; choosing the file will tell
      }
    }
  }

  offer(left, name, offset, input) {
    const row = new Row(name);
    row.element.dataset.upload = left.uploadUrl;
    this.list.append(row.element);
    row.bar.value = offset / left.size;
    row.show(
      "unfinished",
      _("Not finished: %(done)s of %(total)s are here. Choose the same file again and it goes on.", {
        done: sizeText(offset),
        total: sizeText(left.size),
      }),
      [
        [_("Choose the file"), () => input.click()],
        [
          _("Discard"),
          () => {
            row.remove();
            this.discard(left.uploadUrl);
          },
        ],
      ],
    );
  }

  async discard(uploadUrl) {
    await forgetUpload(uploadUrl);
    await deleteUpload(uploadUrl).catch(() => {}); // else it expires
  }

  /** The file of an unfinished upload was chosen, so it is no longer offered. */
  taken(uploadUrl) {
    for (const item of this.list.querySelectorAll("[data-upload]")) {
      if (item.dataset.upload === uploadUrl) item.remove();
    }
  }
}
