// One file on its way to the server, by tus: in pieces, so that whatever breaks is gone on with.
import { ApiError, csrfToken } from "../page/api.js";
import { _ } from "../page/i18n.js";

const PIECE_BYTES = 16 * 2 ** 20;
const SPEED_OVER_MS = 8000;
const SLOWEST_RETRY_MS = 20_000;

/** Waits before the tries after a broken line; a try that brought something begins them anew. */
const RETRY_AFTER_MS = [
  0, 500, 1000, 2000, 4000, 8000, ...Array(500).fill(SLOWEST_RETRY_MS),
];

/** The addresses of uploads that this page has in hand. */
const goingOn = new Set();

let loaded = null;

/** The tus client, fetched when it is first needed. */
export function tus() {
  loaded ??= import("../../vendor/tus-js-client/tus.min.js").then(() => window.tus);
  return loaded;
}

/** What this browser began to send to `endpoint` and did not finish: [{ uploadUrl, size, metadata }]. */
export async function unfinished(endpoint) {
  const { defaultOptions } = await tus();
  const all = await defaultOptions.urlStorage.findAllUploads();
  return all.filter(({ uploadUrl }) => uploadUrl?.startsWith(endpoint));
}

/** Nothing is left to go on with: it has its job, or was given up. */
export async function forget(uploadUrl) {
  const { defaultOptions } = await tus();
  for (const entry of await defaultOptions.urlStorage.findAllUploads()) {
    if (entry.uploadUrl === uploadUrl) await defaultOptions.urlStorage.removeUpload(entry.urlStorageKey);
  }
}

/** How many bytes of an upload are safe; null if there is no such upload any more. */
export async function offsetOf(uploadUrl) {
  const answer = await fetch(uploadUrl, { method: "HEAD", headers: headers(), cache: "no-store" });
  if (answer.status === 404 || answer.status === 410) return null;
  if (!answer.ok) throw new ApiError("", "unknown", answer.status);
  return Number(answer.headers.get("Upload-Offset"));
}

export async function giveUp(uploadUrl) {
  await (await tus()).Upload.terminate(uploadUrl, {
    headers: { "X-CSRFToken": csrfToken },
    retryDelays: [200, 500, 1000, 2000, 4000],
  });
}

function headers() {
  return { "Tus-Resumable": "1.0.0", "X-CSRFToken": csrfToken };
}

export class Sending {
  /**
   * `told` has progress(bytes, total, bytesPerSecond) and broken(willTryAgain), both called while
   * it is on its way.
   */
  constructor(file, { endpoint, metadata, told }) {
    this.file = file;
    this.endpoint = endpoint;
    this.metadata = metadata;
    this.told = told;
    this.samples = [];
    this.refused = false;
  }

  get url() {
    return this.upload?.url ?? null;
  }

  /** Its address once all of it is there; never if it is paused. Throws ApiError. */
  async send() {
    this.stopped = false;
    this.upload ??= await this.prepare();
    this.samples = [];
    this.refused = false;
    if (this.stopped) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      this.upload.options.onSuccess = () => resolve(this.upload.url);
      this.upload.options.onError = (error) => reject(asApiError(error));
      this.upload.start();
    });
  }

  async prepare() {
    const { Upload } = await tus();
    const upload = new Upload(this.file, {
      endpoint: this.endpoint,
      chunkSize: PIECE_BYTES,
      retryDelays: RETRY_AFTER_MS,
      headers: { "X-CSRFToken": csrfToken },
      metadata: this.metadata,
      // Kept until there is a job, so that a page closed in between loses nothing.
      removeFingerprintOnSuccess: false,
      onProgress: (bytes, total) => this.moved(bytes, total),
      onShouldRetry: (error) => this.tryAgain(error),
      // The client would take any refusal for an upload that is gone, and begin a new one.
      onAfterResponse: (request, response) => {
        this.refused = [401, 403].includes(response.getStatus());
        if (this.refused) throw new Error(response.getBody());
      },
    });
    // The same file chosen twice is two recordings: what is on its way already is left alone.
    const before = (await upload.findPreviousUploads()).filter((one) => !goingOn.has(one.uploadUrl));
    if (before.length) upload.resumeFromPreviousUpload(before.at(-1));
    goingOn.add(upload.url);
    upload.options.onUploadUrlAvailable = () => goingOn.add(upload.url);
    return upload;
  }

  async pause() {
    this.stopped = true;
    await this.upload?.abort();
  }

  async cancel() {
    await this.pause();
    if (!this.url) return;
    await forget(this.url); // first: it is not offered again, even if the page is left now
    await giveUp(this.url);
  }

  moved(bytes, total) {
    const now = performance.now();
    this.samples.push([now, bytes]);
    while (this.samples.length > 2 && now - this.samples[0][0] > SPEED_OVER_MS) this.samples.shift();
    const [since, from] = this.samples[0];
    const seconds = (now - since) / 1000;
    this.told.progress(bytes, total, seconds > 0.5 && bytes > from ? (bytes - from) / seconds : 0);
  }

  tryAgain(error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    const will =
      !this.refused && (status === 0 || status === 409 || status === 423 || status === 460 ||
        status === 500 || status === 502 || status === 504);
    this.samples = [];
    if (will) this.told.broken();
    return will;
  }
}

function asApiError(error) {
  const response = error.originalResponse;
  const status = response?.getStatus() ?? 0;
  let told = null;
  try {
    told = JSON.parse(response?.getBody() ?? error.causingError?.message ?? "").error;
  } catch {
    // not an answer of ours, or none at all
  }
  return new ApiError(
    told?.message ?? (status ? _("The server answered with status %(status)s.", { status })
      : _("The server cannot be reached.")),
    told?.code ?? "unknown",
    status,
    null,
  );
}
