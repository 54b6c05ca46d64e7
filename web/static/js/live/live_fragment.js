import { showConnected, showDisconnected } from "./connection_notice.js";
import { mayLeave } from "../page/leaving.js";
import { morphChildren } from "./morph.js";
import { showLocalTimes } from "../page/local_times.js";

const LONGEST_WAIT_S = 60;

/**
 * Ask for the region's fragment again and again, as often as the server says. Nothing is asked
 * while the tab is hidden. Without Retry-After there is nothing to wait for: the region is asked
 * for every `data-live-idle` seconds, or never again.
 * `data-live-etag` is that of what the page came with. Whoever changes `data-live` asks at once
 * after it. The region dispatches "live:shown" whenever it has changed, and "live:refused" where the
 * server finds nothing at the address: whoever has another one prevents the default. The page says so
 * when the server does not answer. Returns a function that asks at once.
 */
export function pollFragment(region) {
  const idle = Number(region.dataset.liveIdle) || 0;
  let etag = region.dataset.liveEtag ?? null;
  let shown = region.dataset.live;
  let failures = 0;
  let timer = 0;
  let done = false;
  let asking = false;

  async function ask() {
    clearTimeout(timer);
    if (asking) return;
    asking = true;
    let wait = idle;
    const address = region.dataset.live;
    if (address !== shown) etag = null;
    try {
      const headers = etag ? { "If-None-Match": etag } : {};
      // no-store: else the browser answers 304 itself, with the body of before.
      // A redirection to the sign-in is not followed: its page would begin a session, which would take
      // the place of that in which somebody is signing in in another tab.
      const answer = await fetch(address, { headers, cache: "no-store", redirect: "manual" });
      const isRedirected = answer.type === "opaqueredirect";
      const isElsewhere = isRedirected || [401, 403, 404].includes(answer.status);
      if (isElsewhere && mayLeave()) {
        location.reload(); // deleted elsewhere, or signed out: the page itself says so best
      } else if (answer.status === 200 && !isElsewhere) {
        const html = await answer.text();
        if (address === region.dataset.live) {
          show(html);
          etag = answer.headers.get("ETag");
          shown = address;
        }
      } else if (answer.status === 400 && (address !== region.dataset.live || isLedElsewhere())) {
        // another address is asked for below
      } else if (isElsewhere || answer.status !== 304) {
        throw Object.assign(new Error(`status ${answer.status}`), { reached: true });
      } else if (address === region.dataset.live) {
        region.removeAttribute("aria-busy"); // it shows this still
      }
      showConnected();
      failures = 0;
      wait = Number(answer.headers.get("Retry-After")) || idle;
    } catch (error) {
      failures += 1;
      wait = Math.min(LONGEST_WAIT_S, 2 ** failures);
      if (failures > 1) showDisconnected(region, error.reached); // once may be a server that starts anew
    }
    asking = false;
    if (address !== region.dataset.live) return ask();
    done = wait === 0;
    schedule(wait);
  }

  function isLedElsewhere() {
    return !region.dispatchEvent(new Event("live:refused", { cancelable: true }));
  }

  function show(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    showLocalTimes(template.content);
    morphChildren(region, template.content);
    region.dispatchEvent(new Event("live:shown"));
  }

  function schedule(wait) {
    if (!done && !document.hidden) timer = setTimeout(ask, wait * 1000);
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && !done) ask();
  });
  schedule(1);
  return ask;
}
