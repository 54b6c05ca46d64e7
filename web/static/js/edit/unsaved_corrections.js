import { api } from "../page/api.js";
import { keep, keptJson } from "../browser/storage.js";

const LONGEST_WAIT_S = 30;

/**
 * Sends corrections to the server. Each is kept in this browser until the server has it, so that
 * neither a crash nor a lost connection loses it: `wanted` ones are sent until they arrive, the others
 * are drafts. A half-typed text is never sent, because every download contains what was sent.
 *
 * Callbacks in `on`: saved(n, sentence), conflict(n, kept, current), refused(n, kept, error) and
 * state("saving" | "saved" | "offline", error).
 */
export class Saving {
  constructor(address, known, on) {
    this.address = address;
    this.known = known; // n -> {base, revision} that the page shows
    this.on = on;
    this.key = `longscribe:corrections:${address}`;
    this.kept = keptJson(this.key) ?? {};
    this.safe = true; // until something could not be stored
    this.flying = new Set();
    this.waiting = []; // for all to be saved
    this.failures = 0;
    addEventListener("online", () => this.sendAll());
    // Somebody comes back to the page from signing in, for instance.
    document.addEventListener("visibilitychange", () => document.hidden || this.sendAll());
    addEventListener("beforeunload", (event) => {
      if (!this.safe && this.unsent) event.preventDefault(); // no storage: nothing else keeps it
    });
  }

  get unsent() {
    return Object.values(this.kept).filter((one) => one.wanted).length;
  }

  draft(n, text) {
    this.put(n, text, false);
  }

  want(n, text) {
    this.put(n, text, true);
    this.send(n);
  }

  /** `text` becomes what is kept of `n`, made from what was before it or from what is shown. */
  put(n, text, wanted) {
    const { base, revision } = this.kept[n] ?? this.known(n);
    this.kept[n] = { text, wanted, base, revision };
    this.write(n);
  }

  /** Also with what was kept before, where it is still of use. */
  forget(n, before = null) {
    const useful = before?.wanted && this.kept[n]?.revision === before.revision;
    if (useful) this.kept[n] = before;
    else delete this.kept[n];
    this.write(n);
    if (useful) this.send(n); // what was typed meanwhile may have kept it from being tried again
  }

  /** A sentence that was split off has another number from now on. */
  rename(from, n) {
    if (!this.kept[from]) return;
    this.kept[n] = this.kept[from];
    delete this.kept[from];
    this.write(from);
    this.write(n);
  }

  rebase(n, { text, revision }) {
    if (!this.kept[n]) return;
    Object.assign(this.kept[n], { base: text, revision });
    this.write(n);
  }

  /** Resolves once all that is wanted is saved, to true; or to false where that fails. */
  settled() {
    if (!this.unsent && !this.flying.size) return Promise.resolve(true);
    this.sendAll();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  settle(isSaved) {
    for (const resolve of this.waiting.splice(0)) resolve(isSaved);
  }

  sendAll() {
    clearTimeout(this.timer);
    for (const [n, one] of Object.entries(this.kept)) if (one.wanted) this.send(Number(n));
  }

  async send(n) {
    if (this.flying.has(n)) return; // it goes on from its answer
    this.flying.add(n);
    this.on.state("saving");
    const sent = this.kept[n];
    const json = { text: sent.text, revision: sent.revision };
    try {
      const sentence = await api("PUT", `${this.address}/sentences/${n}`, { json });
      this.flying.delete(n);
      this.arrived(n, sent, sentence);
    } catch (error) {
      this.flying.delete(n);
      this.failed(n, sent, error);
    }
  }

  arrived(n, sent, sentence) {
    this.failures = 0;
    const newer = this.kept[n] !== sent && this.kept[n];
    if (newer) this.rebase(n, sentence);
    else this.forget(n);
    this.on.saved(n, sentence);
    if (newer?.wanted) this.send(n);
    else if (!this.unsent && !this.flying.size) {
      this.settle(true);
      this.on.state("saved");
    }
  }

  failed(n, sent, error) {
    const kept = this.kept[n] ?? sent;
    this.settle(false);
    if (error.mayPass) {
      this.failures += 1;
      const wait = Math.min(LONGEST_WAIT_S, 2 ** this.failures);
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.sendAll(), wait * 1000);
      this.on.state("offline", error);
      return;
    }
    this.kept[n] = { ...kept, wanted: false };
    this.write(n);
    if (error.code === "edited_meanwhile") this.on.conflict(n, this.kept[n], error.body.current);
    else this.on.refused(n, this.kept[n], error);
  }

  /** Store what is kept of one sentence; what another tab keeps of others stays. */
  write(n) {
    const all = keptJson(this.key) ?? {};
    Object.assign(all, this.safe ? { [n]: this.kept[n] } : this.kept);
    if (!this.kept[n]) delete all[n];
    this.safe = keep(this.key, Object.keys(all).length ? JSON.stringify(all) : null);
  }
}
