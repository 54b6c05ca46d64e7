// Sends a recording while it is made, by tus with the length told at the end.
import { ApiError, api, csrfToken, renewToken, statusText, tokenAccount } from "../page/api.js";
import { _ } from "../page/i18n.js";

const EVERY_MS = 10_000;
const MOST_BYTES = 4 * 2 ** 20;
const LEAST_BYTES = 2 ** 18;
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000];

/**
 * The upload of a recording that may still grow. It ends with what the server has, which after a
 * crash may be more than this browser kept.
 */
export class Sending {
  /** `tell` is called with null after bytes were sent, else with the ApiError that keeps them here. */
  constructor(kept, tell = () => {}) {
    this.kept = kept;
    this.tell = tell;
    /** Called with how many bytes the server has. */
    this.moved = () => {};
    this.offset = null;
    this.mostBytes = MOST_BYTES; // less where a proxy takes no more at a time
    this.isStopped = false;
    this.isTokenOld = false;
    this.aborting = new AbortController();
    this.wakeAt = Infinity;
    this.wake = () => {};
    this.followed = null;
  }

  get url() {
    return this.kept.about.uploadUrl ?? null;
  }

  /** Send what comes, every few seconds, until `stop`. */
  begin() {
    this.followed = this.follow();
  }

  async follow() {
    let failures = 0;
    while (!this.isStopped) {
      try {
        await this.sendAll();
        failures = 0;
        this.tell(null);
      } catch (error) {
        this.tell(error);
        if (error.code === "file_too_large") return; // no later piece is taken either
        failures += 1;
      }
      if (!this.isStopped) await this.rest(failures ? retryAfter(failures) : EVERY_MS);
    }
  }

  /** A piece has come. Timers of a tab in the background are slow, and pieces are not. */
  tick() {
    if (performance.now() >= this.wakeAt) this.wake();
  }

  async rest(ms) {
    this.wakeAt = performance.now() + ms;
    const over = new AbortController();
    await new Promise((resolve) => {
      this.wake = resolve;
      setTimeout(resolve, ms);
      window.addEventListener("online", resolve, { signal: over.signal });
    });
    over.abort();
  }

  /** What the server has by then it keeps. */
  async stop() {
    this.isStopped = true;
    this.aborting.abort();
    this.wake();
    await this.followed;
  }

  /**
   * Send the rest and the length. Resolves to the upload's URL, or to null once it is stopped. Throws
   * ApiError where trying again does not help.
   */
  async finish() {
    for (let failures = 1; ; failures += 1) {
      try {
        await this.sendAll();
        await this.patch(new Blob([]), { "Upload-Length": String(this.offset) });
        return this.url;
      } catch (error) {
        if (this.isStopped) return null;
        if (!error.mayPass && ![404, 409, 410].includes(error.status)) throw error;
        this.tell(error);
        await this.rest(retryAfter(failures));
        if (this.isStopped) return null;
      }
    }
  }

  async sendAll() {
    await this.requireAccount();
    if (!this.url) await this.create();
    if (this.offset === null) await this.ask();
    for (;;) {
      const piece = await this.kept.from(this.offset, this.mostBytes);
      if (!piece.size) return;
      try {
        await this.patch(piece);
      } catch (error) {
        if (!isTooMuch(error) || piece.size <= LEAST_BYTES) throw error;
        this.mostBytes = Math.max(LEAST_BYTES, Math.floor(piece.size / 4));
        await this.ask();
      }
    }
  }

  /** Nothing is sent for another account, which may have signed in in another tab. */
  async requireAccount() {
    if (tokenAccount === this.kept.about.account && !this.isTokenOld) return;
    // Asked of the API first, which tells what is in the way.
    await api("GET", new URL("jobs?limit=1", this.kept.about.endpoint));
    if ((await renewToken().catch(() => null)) !== this.kept.about.account) {
      throw new ApiError(_("You are signed out."), "unauthorized", 401);
    }
    this.isTokenOld = false;
  }

  async create() {
    const name = [...new TextEncoder().encode(this.kept.about.name)];
    const answer = await this.request("POST", this.kept.about.endpoint, {
      "Upload-Defer-Length": "1",
      "Upload-Metadata": `filename ${btoa(String.fromCharCode(...name))}`,
    });
    await this.kept.note({
      uploadUrl: new URL(answer.headers.get("Location"), this.kept.about.endpoint).href,
    });
    this.offset = 0;
  }

  async ask() {
    const answer = await this.request("HEAD", this.url);
    this.offset = Number(answer.headers.get("Upload-Offset"));
  }

  async patch(piece, headers = {}) {
    const where = {
      "Upload-Offset": String(this.offset),
      "Content-Type": "application/offset+octet-stream",
    };
    const answer = await this.request("PATCH", this.url, { ...where, ...headers }, piece);
    this.offset = Number(answer.headers.get("Upload-Offset"));
    this.moved(this.offset);
  }

  async request(method, url, headers = {}, body = undefined) {
    let answer;
    try {
      answer = await fetch(url, {
        method,
        headers: { "Tus-Resumable": "1.0.0", "X-CSRFToken": csrfToken, ...headers },
        body,
        cache: "no-store",
        signal: this.aborting.signal,
      });
    } catch {
      this.offset = null; // some of it may have come
      throw new ApiError(_("The server cannot be reached."), "unreachable", 0);
    }
    if (answer.ok) return answer;
    const told = (await answer.json().catch(() => null))?.error;
    this.offset = null;
    if ([404, 410].includes(answer.status)) await this.kept.note({ uploadUrl: null }); // anew
    if (told?.code === "csrf_failed") this.isTokenOld = true;
    const status = this.isTokenOld ? 401 : answer.status;
    throw new ApiError(
      told?.message ?? statusText(answer.status),
      told?.code ?? "unknown",
      status,
    );
  }

  /** Give the upload up; what cannot be deleted expires. */
  async discard() {
    await this.stop();
    const headers = { "Tus-Resumable": "1.0.0" };
    if (this.url) await api("DELETE", this.url, { headers }).catch(() => {});
  }
}

/** Whether a proxy takes no request of this size; the server's own limits have a code. */
const isTooMuch = (error) => error.status === 413 && error.code === "unknown";

function retryAfter(failures) {
  return RETRY_MS[Math.min(failures, RETRY_MS.length) - 1];
}
