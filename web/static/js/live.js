import { sameChildren } from "./morph.js";
import { showLocalTimes } from "./times.js";

const LONGEST_WAIT_S = 60;

/**
 * Ask for the region's fragment again and again, as often as the server says. Nothing is asked
 * while the tab is hidden. Without Retry-After there is nothing to wait for: the region is asked
 * for every `data-live-idle` seconds, or never again.
 * The region dispatches "live:shown" whenever it has changed. Returns a function that asks at once.
 */
export function keepLive(region) {
  const idle = Number(region.dataset.liveIdle) || 0;
  let etag = null;
  let failures = 0;
  let timer = 0;
  let done = false;
  let asking = false;

  async function ask() {
    clearTimeout(timer);
    if (asking) return;
    asking = true;
    let wait = idle;
    try {
      const headers = etag ? { "If-None-Match": etag } : {};
      // no-store: else the browser answers 304 itself, with the body of before.
      const answer = await fetch(region.dataset.live, { headers, cache: "no-store" });
      if (answer.status === 200) {
        show(await answer.text());
        etag = answer.headers.get("ETag");
      } else if (answer.status === 404 || answer.status === 401) {
        location.reload(); // deleted elsewhere, or signed out: the page itself says so best
      } else if (answer.status !== 304) {
        throw new Error(`status ${answer.status}`);
      }
      failures = 0;
      wait = Number(answer.headers.get("Retry-After")) || idle;
    } catch {
      failures += 1;
      wait = Math.min(LONGEST_WAIT_S, 2 ** failures);
    }
    asking = false;
    done = wait === 0;
    schedule(wait);
  }

  function show(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    showLocalTimes(template.content);
    sameChildren(region, template.content);
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
