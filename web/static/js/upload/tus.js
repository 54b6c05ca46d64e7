// Uploads a file by tus, in pieces, so that an interrupted upload can be resumed.
import { ApiError, csrfToken, statusText } from "../page/api.js";
import { _ } from "../page/i18n.js";
import { heldNames, hold } from "../browser/locks.js";

const PIECE_BYTES = 16 * 2 ** 20;
const LEAST_PIECE_BYTES = 2 ** 18;
const SPEED_OVER_MS = 8000;
const SLOWEST_RETRY_MS = 20_000;

/** Delays before retries after a lost connection; a retry that makes progress starts them anew. */
const RETRY_AFTER_MS = [
  0, 500, 1000, 2000, 4000, 8000, ...Array(500).fill(SLOWEST_RETRY_MS),
];

/** As much as is sent at once: less where a proxy in front of the server takes no more. */
let pieceBytes = PIECE_BYTES;

const LOCK = "longscribe-upload ";

/** The uploads that this page is sending, by their URLs; each with what lets go of it for other tabs. */
const active = new Map();

function claim(url) {
  if (url && !active.has(url)) active.set(url, hold(LOCK + url));
}

/** Of these unfinished uploads, those that no tab is sending. */
async function leftOf(uploads) {
  const held = await heldNames();
  return uploads.filter(({ uploadUrl }) => !active.has(uploadUrl) && !held.has(LOCK + uploadUrl));
}

const CLIENT = "../../vendor/tus-js-client/tus.min.js";
let loaded = null;
let failures = 0;

/** The tus client, fetched when it is first needed. Throws ApiError where it cannot be, this time. */
export async function tus() {
  // Under another address after a failure: browsers remember that of a module.
  loaded ??= import(failures ? `${CLIENT}?try=${failures}` : CLIENT).then(() => window.tus);
  try {
    return await loaded;
  } catch {
    loaded = null;
    failures += 1;
    throw new ApiError(_("The server cannot be reached."), "unreachable", 0);
  }
}

/** Unfinished uploads of this browser to `endpoint` that no tab is sending: [{ uploadUrl, size, metadata }]. */
export async function unfinishedUploads(endpoint) {
  const { defaultOptions } = await tus();
  const all = await defaultOptions.urlStorage.findAllUploads();
  return leftOf(all.filter(({ uploadUrl }) => uploadUrl?.startsWith(endpoint)));
}

/** Forget an upload that has its job or was cancelled. */
export async function forgetUpload(uploadUrl) {
  const { defaultOptions } = await tus();
  for (const entry of await defaultOptions.urlStorage.findAllUploads()) {
    if (entry.uploadUrl === uploadUrl) await defaultOptions.urlStorage.removeUpload(entry.urlStorageKey);
  }
  (await active.get(uploadUrl))?.();
  active.delete(uploadUrl);
}

/** How many bytes of an upload are safe; null if there is no such upload any more. */
export async function uploadOffset(uploadUrl) {
  const answer = await fetch(uploadUrl, { method: "HEAD", headers: headers(), cache: "no-store" });
  if (answer.status === 404 || answer.status === 410) return null;
  if (!answer.ok) throw new ApiError("", "unknown", answer.status);
  return Number(answer.headers.get("Upload-Offset"));
}

export async function deleteUpload(uploadUrl) {
  await (await tus()).Upload.terminate(uploadUrl, {
    headers: { "X-CSRFToken": csrfToken },
    retryDelays: [200, 500, 1000, 2000, 4000, 8000, 16_000], // its last piece may still be arriving
  });
}

function headers() {
  return { "Tus-Resumable": "1.0.0", "X-CSRFToken": csrfToken };
}

export class TusUpload {
  /**
   * `listener` has progress(bytes, total, bytesPerSecond) and broken(willTryAgain), both called while
   * it is on its way.
   */
  constructor(file, { endpoint, metadata, listener }) {
    this.file = file;
    this.endpoint = endpoint;
    this.metadata = metadata;
    this.listener = listener;
    this.samples = [];
    this.refused = 0;
  }

  get url() {
    return this.upload?.url ?? null;
  }

  /** Resolves to the URL once all bytes are sent; never if it is paused. Throws ApiError. */
  async send() {
    this.stopped = false;
    this.upload ??= await this.prepare();
    this.upload.options.chunkSize = pieceBytes;
    this.samples = [];
    this.refused = 0;
    if (this.stopped) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      this.upload.options.onSuccess = () => resolve(this.upload.url);
      this.upload.options.onError = (error) => reject(asApiError(error, this.refused));
      this.giveUp = reject;
      this.upload.start();
    });
  }

  async prepare() {
    const { Upload, defaultOptions } = await tus();
    const upload = new Upload(this.file, {
      urlStorage: withoutRoom(defaultOptions.urlStorage),
      endpoint: this.endpoint,
      chunkSize: pieceBytes,
      retryDelays: RETRY_AFTER_MS,
      headers: { "X-CSRFToken": csrfToken },
      metadata: this.metadata,
      // Kept until there is a job, so that a page closed in between loses nothing.
      removeFingerprintOnSuccess: false,
      onProgress: (bytes, total) => this.moved(bytes, total),
      onShouldRetry: (error) => this.tryAgain(error),
      // The client would take any refusal for an upload that is gone, and begin a new one.
      onAfterResponse: (request, response) => {
        const status = response.getStatus();
        this.refused = [401, 403].includes(status) ? status : 0;
        if (this.refused) throw new Error(response.getBody());
      },
    });
    // The same file chosen twice is two recordings: what is on its way already is left alone.
    const before = await leftOf(await upload.findPreviousUploads());
    if (before.length) upload.resumeFromPreviousUpload(before.at(-1));
    claim(before.at(-1)?.uploadUrl);
    upload.options.onUploadUrlAvailable = () => claim(upload.url);
    return upload;
  }

  async pause() {
    this.stopped = true;
    await this.upload?.abort();
  }

  async cancel() {
    await this.pause();
    if (!this.url) return;
    await forgetUpload(this.url); // first: it is not offered again, even if the page is left now
    await deleteUpload(this.url);
  }

  moved(bytes, total) {
    const now = performance.now();
    this.samples.push([now, bytes]);
    while (this.samples.length > 2 && now - this.samples[0][0] > SPEED_OVER_MS) this.samples.shift();
    const [since, from] = this.samples[0];
    const seconds = (now - since) / 1000;
    this.listener.progress(bytes, total, seconds > 0.5 && bytes > from ? (bytes - from) / seconds : 0);
  }

  tryAgain(error) {
    const status = error.originalResponse?.getStatus() ?? 0;
    if (status === 413 && this.sendLess(error)) return true;
    const will =
      !this.refused && (status === 0 || status === 409 || status === 423 || status === 460 ||
        status === 500 || status === 502 || status === 504);
    this.samples = [];
    if (will) this.listener.broken();
    if (will && status === 0) this.requireFile();
    return will;
  }

  /** End where the file is not there any more, which a browser tells as it tells a line that broke. */
  async requireFile() {
    // Its last byte: of a file that became shorter Firefox still reads the beginning.
    const isThere = await this.file.slice(-1).arrayBuffer().then((last) => last.byteLength > 0, () => false);
    if (isThere || this.stopped) return;
    await this.upload.abort();
    const words = _("This file cannot be read any more: it was changed, moved or deleted after it was chosen. Choose it again.");
    this.giveUp(new ApiError(words, "file_gone", 400));
  }

  /** Go on with smaller pieces, as a proxy's own limit asks for. Returns whether there are any. */
  sendLess(error) {
    if (toldBy(error)) return false; // the server itself: the file is too large
    const isLeast = pieceBytes <= LEAST_PIECE_BYTES;
    pieceBytes = isLeast ? PIECE_BYTES : pieceBytes / 4;
    this.upload.options.chunkSize = pieceBytes;
    return !isLeast;
  }
}

/** A storage of uploads that goes on where the browser keeps no more: the upload cannot be resumed then. */
function withoutRoom(storage) {
  const addUpload = async (...given) => {
    try {
      return await storage.addUpload(...given);
    } catch {
      return null;
    }
  };
  return Object.assign(Object.create(storage), { addUpload });
}

/** The error of ours that an answer tells; null for an answer of a proxy, or none. */
function toldBy(error) {
  try {
    return JSON.parse(error.originalResponse?.getBody() ?? error.causingError?.message ?? "").error;
  } catch {
    return null;
  }
}

/** What became of an upload; `refused` is the status that ended it, or 0. */
function asApiError(error, refused) {
  const status = error.originalResponse?.getStatus() ?? refused;
  const body = toldBy(error);
  return new ApiError(
    body?.message ?? (status === 401
      ? _("You are signed out. Sign in again in another tab, then try again here.") // HEAD has no words
      : status ? statusText(status)
      : _("The server cannot be reached.")),
    body?.code ?? "unknown",
    status,
    null,
  );
}
