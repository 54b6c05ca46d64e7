import { _ } from "./i18n.js";

/** What the server said against a request: `code` is stable, `message` is for people. */
export class ApiError extends Error {
  constructor(message, code, status, body) {
    super(message);
    this.code = code;
    this.status = status;
    this.body = body;
  }

  /** Whether the same request may succeed later. */
  get mayPass() {
    return this.status === 0 || this.status === 423 || this.status === 429 || this.status >= 500;
  }
}

export const csrfToken = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/**
 * Ask this site's API. `json` or `form` is sent as the body; the answer's JSON is returned, or
 * null where there is none. Throws ApiError, with status 0 where no answer came.
 */
export async function api(method, url, { json, form, headers = {}, signal, keepalive } = {}) {
  const sent = { Accept: "application/json", "X-CSRFToken": csrfToken, ...headers };
  let body = form;
  if (json !== undefined) {
    sent["Content-Type"] = "application/json";
    body = JSON.stringify(json);
  }
  let answer;
  try {
    answer = await fetch(url, { method, headers: sent, body, signal, keepalive, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(_("The server cannot be reached."), "unreachable", 0);
  }
  const read = await answer.json().catch(() => null);
  if (answer.ok) return read;
  const told = read?.error;
  throw new ApiError(
    told?.message ?? _("The server answered with status %(status)s.", { status: answer.status }),
    told?.code ?? "unknown",
    answer.status,
    read,
  );
}
