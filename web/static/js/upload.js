// Choosing recordings, or dropping them anywhere on the page, and sending them one after the other.
import { api } from "./api.js";
import { _ } from "./i18n.js";
import { notifyWhenDone, wantNotifications } from "./notify.js";
import { size } from "./quantities.js";
import { offerRecorder } from "./record.js";
import { forget, giveUp, offsetOf, Sending, unfinished } from "./sending.js";
import { Row } from "./upload_row.js";

const ASK_AGAIN_MS = { unreachable: 2_000, refused: 15_000 };
const SOUND = /\.(wav|mp3|m4a|m4b|aac|flac|ogg|oga|opus|webm|mp4|m4v|mov|mkv|avi|amr|awb|wma|wmv|3gp|3g2|ts|mts|m2ts|mpg|mpeg|aif|aiff|caf|ape|wv|mka|mp2|ac3|dts|au|gsm)$/i;

/** Turn the form into one that sends by itself. `onAccepted` is called for every new job. */
export function enhanceUpload(form, list, onAccepted) {
  const input = form.querySelector("input[type=file]");
  const page = new Uploads(form, list, onAccepted);
  input.addEventListener("change", () => {
    page.take([...input.files]);
    input.value = "";
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  takeDropped((files) => page.take(files));
  offerRecorder(form.querySelector(".recorder"), (file) => page.take([file]));
  wantNotifications(form.elements.notify);
  window.addEventListener("online", () => page.hurry());
  window.addEventListener("beforeunload", (event) => {
    if (page.isSending) event.preventDefault();
  });
  page.offerUnfinished(input);
}

function takeDropped(take) {
  const root = document.documentElement;
  const withFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!withFiles(event)) return;
    event.preventDefault();
    root.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) root.classList.remove("dropping"); // it left the window
  });
  document.addEventListener("drop", (event) => {
    root.classList.remove("dropping");
    if (!withFiles(event)) return;
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
}

class Uploads {
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
      const one = new OneUpload(this, file);
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

  /** `one` no longer needs the line: it is done, paused, failed or given up. */
  leave(one) {
    this.waiting = this.waiting.filter((other) => other !== one);
    if (this.current === one) this.current = null;
    this.next();
  }

  /** The browser has its line back: no need to sit out the wait before the next try. */
  hurry() {
    this.current?.hurry();
  }

  get metadata() {
    return this.form.elements.later?.checked ? { priority: "-5" } : {};
  }

  async submit(uploadUrl, metadata) {
    const job = await api("POST", this.form.dataset.api, {
      json: {
        upload_id: uploadUrl.split("/").at(-1),
        priority: Number(metadata.priority ?? 0),
      },
    });
    await forget(uploadUrl);
    if (this.form.elements.notify?.checked) notifyWhenDone(job.id, job.filename);
    this.onAccepted();
  }

  /** What an earlier visit left: whole ones become jobs, for others their file is asked for. */
  async offerUnfinished(input) {
    if (!Object.keys(localStorage).some((key) => key.startsWith("tus::"))) return;
    for (const left of await unfinished(this.endpoint)) {
      const name = left.metadata.filename;
      try {
        const offset = await offsetOf(left.uploadUrl);
        if (offset === null) await forget(left.uploadUrl);
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
        done: size(offset),
        total: size(left.size),
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
    await giveUp(uploadUrl).catch(() => {}); // else it expires
    await forget(uploadUrl);
  }

  /** The file of an unfinished upload was chosen, so it is no longer offered. */
  taken(uploadUrl) {
    for (const item of this.list.querySelectorAll("[data-upload]")) {
      if (item.dataset.upload === uploadUrl) item.remove();
    }
  }
}

/** One file: checked, waiting, on its way, paused, failed, or a job and gone from here. */
class OneUpload {
  constructor(all, file) {
    this.all = all;
    this.file = file;
    this.row = new Row(file.name);
    this.metadata = { filename: file.name, ...all.metadata };
    this.sending = new Sending(file, {
      endpoint: all.endpoint,
      metadata: this.metadata,
      told: {
        progress: (...given) => this.stopped || this.moved(...given),
        broken: () => this.stopped || this.row.say(_("The line broke. Going on as soon as it is back.")),
      },
    });
  }

  check() {
    const { maxBytes } = this.all;
    if (this.file.size > maxBytes) {
      this.fail(_("Larger than %(size)s, the most accepted.", { size: size(maxBytes) }));
    } else if (this.file.size === 0) {
      this.fail(_("This file is empty."));
    } else if (!/^(audio|video)\//.test(this.file.type) && !SOUND.test(this.file.name)) {
      this.fail(_("This does not look like a recording."), [_("Send it all the same"), () => this.wait()]);
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
      const url = await this.sending.send();
      if (this.stopped) return;
      await this.becomeJob(url);
    } catch (error) {
      if (this.stopped) return;
      // 401, 403: somebody else signed in, or nobody; 410: it took too long and begins anew.
      const again = error.mayPass || [401, 403, 410].includes(error.status);
      this.fail(error.message, again ? [_("Try again"), () => this.wait()] : null);
      this.all.leave(this);
    }
  }

  moved(bytes, total, bytesPerSecond) {
    if (this.sending.url) this.all.taken(this.sending.url);
    this.row.progress(bytes, total, bytesPerSecond);
  }

  /** All bytes are safe there; the queue may be full, or the server restarting. */
  async becomeJob(url) {
    this.row.show("saving", _("Saving"));
    this.row.bar.value = 1;
    for (;;) {
      try {
        await this.all.submit(url, this.metadata);
        this.row.remove(); // it is in the list of jobs now
        this.all.leave(this);
        return;
      } catch (error) {
        if (!error.mayPass) throw error;
        this.row.say(_("%(message)s Trying again by itself.", { message: error.message }));
        const wait = error.status === 0 ? ASK_AGAIN_MS.unreachable : ASK_AGAIN_MS.refused;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  async pause() {
    this.stopped = true;
    this.row.show("paused", [_("Paused"), this.row.howFar].filter(Boolean).join(" · "), [
      [_("Go on"), () => this.wait({ first: true })],
      this.cancelAction,
    ]);
    await this.sending.pause();
    this.all.leave(this);
  }

  async hurry() {
    if (this.stopped || !this.row.element.classList.contains("sending")) return;
    await this.sending.pause();
    this.sending.stopped = false;
    this.sending.upload?.start();
  }

  async cancel() {
    this.stopped = true;
    this.row.remove();
    await this.sending.cancel().catch(() => {}); // what could not be deleted expires
    this.all.leave(this);
  }

  fail(message, again = null) {
    const dismiss = [_("Dismiss"), () => this.cancel()];
    this.row.show("failed", message, again ? [again, dismiss] : [dismiss]);
  }
}
