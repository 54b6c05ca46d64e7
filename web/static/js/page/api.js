import { _ } from "./i18n.js";
import { address } from "./base_path.js";

/** The server's error for a request: `code` is stable, `message` is for people. */
export class ApiError extends Error {
  constructor(message, code, status, body) {
    super(message);
    this.code = code;
    this.status = status;
    this.body = body;
  }

  /** Whether the same request may succeed later. */
  get mayPass() {
    return [0, 401, 423, 429].includes(this.status) || this.status >= 500;
  }
}

/** Of what a proxy answers in the place of a server that does not. */
const NO_ANSWER = [502, 503, 504];

/** What a status means that came without words of ours: a proxy in front of the server sent it, mostly. */
export function statusText(status) {
  if (status === 413) {
    return _("A proxy in front of the server takes nothing of this size (status 413). Whoever runs it may raise the limit, client_max_body_size in nginx.");
  }
  if (NO_ANSWER.includes(status)) {
    return _("The server gives no answer to the proxy in front of it (status %(status)s): it is starting or has too much to do. That passes within a minute, mostly.", { status });
  }
  return _("The server answered with status %(status)s.", { status });
}

/** Sent with every change. Read it each time: it changes when somebody signs in again. */
export let csrfToken = tokenOf(document);

/** The id of the account that `csrfToken` belongs to; "" where nobody signs in, or is signed in. */
export let tokenAccount = accountOf(document);

function tokenOf(page) {
  return page.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

function accountOf(page) {
  return page.querySelector('meta[name="account"]')?.content ?? "";
}

/**
 * Fetch a new token, so that a page can save after somebody signed in again in another tab. Resolves
 * to the account of who is signed in now. Where nobody is, no redirection is followed: the page to sign
 * in begins a session, which would take the place of that in which somebody is signing in.
 */
export async function renewToken() {
  const page = await fetch(address("/account"), { cache: "no-store", redirect: "manual" });
  const parsed = new DOMParser().parseFromString(await page.text(), "text/html");
  csrfToken = tokenOf(parsed) || csrfToken;
  tokenAccount = accountOf(parsed);
  return tokenAccount;
}

/**
 * Ask this site's API. `json` or `form` is sent as the body; the answer's JSON is returned, or
 * null where there is none. Throws ApiError, with status 0 where no answer came.
 */
export async function api(method, url, options = {}, isSecondTry = false) {
  const { json, form, headers = {}, signal, keepalive } = options;
  const sent = { Accept: "application/json", "X-CSRFToken": csrfToken, ...headers };
  let body = form;
  if (json !== undefined) {
    sent["Content-Type"] = "application/json";
    body = JSON.stringify(json);
  }
  let answer;
  let read = null;
  try {
    answer = await fetch(url, { method, headers: sent, body, signal, keepalive, cache: "no-store" });
    if (answer.status !== 204) read = await answer.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    // Without an error of ours: cut off, or a network's own page, to sign in there first.
    if (!answer || answer.ok) throw new ApiError(_("The server cannot be reached."), "unreachable", 0);
  }
  if (answer.ok) return read;
  const told = read?.error;
  if (told?.code === "csrf_failed" && !isSecondTry) {
    await renewToken().catch(() => null);
    return api(method, url, options, true);
  }
  if (told?.code === "unauthorized") {
    told.message = _("You are signed out. Sign in again in another tab, then try again here.");
  }
  throw new ApiError(
    told?.message ?? statusText(answer.status),
    told?.code ?? "unknown",
    answer.status,
    read,
  );
}
