// A chosen file until it is a job.
import { _ } from "../page/i18n.js";
import { sizeText } from "../page/quantities.js";
import { TusUpload } from "./tus.js";
import { Row } from "./row.js";

const ASK_AGAIN_MS = { unreachable: 2_000, refused: 15_000 };
/** Milliseconds for which the next file waits for the room of the one that was given up. */
const DELETED_WITHIN_MS = 3_000;
const RECORDING = /\.(wav|mp3|m4a|m4b|aac|flac|ogg|oga|opus|webm|mp4|m4v|mov|mkv|avi|amr|awb|wma|wmv|3gp|3g2|ts|mts|m2ts|mpg|mpeg|aif|aiff|caf|ape|wv|mka|mp2|ac3|dts|au|gsm)$/i;

/** Whether a file looks like a recording by its type or its name. */
export const isRecording = ({ type, name }) => /^(audio|video)\//.test(type) || RECORDING.test(name);

/** The states of a file: checked, waiting, sending, paused, failed, or a job and removed. */
export class Upload {
  constructor(all, file) {
    this.all = all;
    this.file = file;
    this.row = new Row(file.name);
    this.metadata = { filename: file.name, ...all.metadata };
    this.transfer = new TusUpload(file, {
      endpoint: all.endpoint,
      metadata: this.metadata,
      listener: {
        progress: (...given) => this.stopped || this.moved(...given),
        broken: () => this.stopped || this.row.say(_("The line broke. Going on as soon as it is back.")),
      },
    });
  }

  check() {
    const { maxBytes } = this.all;
    if (this.file.size > maxBytes) {
      this.fail(_("Larger than %(size)s, the most accepted.", { size: sizeText(maxBytes) }));
    } else if (this.file.size === 0) {
      this.fail(_("This file is empty. Choose another."));
    } else if (!isRecording(this.file)) {
      this.fail(_("This does not look like a recording. Choose an audio or video file, or send it all the same."), [_("Send it all the same"), () => this.wait()]);
    } else {
      this.wait();
    }
  }

  get cancelAction() {
    return [_("Cancel"), () => this.cancel()];
  }

  wait({ first = false } = {}) {
    this.row.show("waiting", _("Waiting"), [this.cancelAction]);
    this.all.queue(this, { first });
  }

  async run() {
    this.stopped = false;
    this.row.show("sending", _("Starting"), [[_("Pause"), () => this.pause()], this.cancelAction]);
    try {
      const url = await this.transfer.send();
      if (this.stopped) return;
      this.all.leave(this);
      await becomeJob(this.all, this.row, url, this.metadata);
    } catch (error) {
      if (this.stopped) return;
      // 401, 403: somebody else signed in, or nobody; 410: it took too long and begins anew; 413 without
      // a code of ours: a proxy, whose limit can be raised.
      const isOfProxy = error.status === 413 && error.code === "unknown";
      const again = error.mayPass || isOfProxy || [401, 403, 410].includes(error.status);
      this.fail(error.message, again ? [_("Try again"), () => this.wait()] : null);
      this.all.leave(this);
    }
  }

  moved(bytes, total, bytesPerSecond) {
    if (this.transfer.url) this.all.taken(this.transfer.url);
    this.row.progress(bytes, total, bytesPerSecond);
  }

  async pause() {
    this.stopped = true;
    this.row.show("paused", [_("Paused"), this.row.howFar].filter(Boolean).join(" · "), [
      [_("Go on"), () => this.wait({ first: true })],
      this.cancelAction,
    ]);
    await this.transfer.pause();
    this.all.leave(this);
  }

  async hurry() {
    if (this.stopped || !this.row.element.classList.contains("sending")) return;
    await this.transfer.pause();
    this.transfer.stopped = false;
    this.transfer.upload?.start();
  }

  async cancel() {
    this.stopped = true;
    this.row.remove();
    const deleted = this.transfer.cancel().catch(() => {}); // what could not be deleted expires
    // On a slow line its last piece still arrives for long, and is not deleted before.
    await Promise.race([deleted, new Promise((resolve) => setTimeout(resolve, DELETED_WITHIN_MS))]);
    this.all.leave(this);
  }

  fail(message, again = null) {
    const dismiss = [_("Dismiss"), () => this.cancel()];
    this.row.show("failed", message, again ? [again, dismiss] : [dismiss]);
  }
}

/**
 * Create the job of a complete upload, retrying while the queue is full or the server restarts; then
 * remove its row.
 */
export async function becomeJob(all, row, url, metadata) {
  row.show("saving", _("Saving"));
  row.bar.value = 1;
  for (;;) {
    try {
      await all.submit(url, metadata);
      row.remove(); // it is in the list of jobs now
      return;
    } catch (error) {
      if (!error.mayPass || error.code === "monthly_quota_used") throw error;
      row.say(_("%(message)s Trying again by itself.", { message: error.message }));
      const wait = error.status === 0 ? ASK_AGAIN_MS.unreachable : ASK_AGAIN_MS.refused;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}
