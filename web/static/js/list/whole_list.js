import { api } from "../page/api.js";

/** The states that an action applies to; web/pages/listing/selection.py has those of changes too. */
export const APPLIES = {
  export: ["completed"],
  cancel: ["queued", "processing"],
  retry: ["failed", "cancelled"],
  delete: ["queued", "completed", "failed", "cancelled"],
};

/**
 * All jobs of a list as it stood at one moment, pages that were never shown included: a condition
 * that the server knows how to meet, not as many ids. Jobs can be left out of it by their ids.
 */
export class WholeList {
  /** Ask the server how the list of the page's address stands. Throws ApiError. */
  static async take(asked) {
    const query = queryOfPage();
    return new WholeList(query, await api("GET", `${asked}?${new URLSearchParams(query)}`));
  }

  constructor(query, { newest, until, counts, all_counted: allCounted }) {
    this.query = query;
    this.newest = newest;
    this.until = until;
    this.counts = counts;
    this.allCounted = allCounted;
    this.without = new Map(); // from a job's id to its state
  }

  /** Whether the page shows this list, on whichever of its pages it is. */
  get isShown() {
    const now = queryOfPage();
    return Object.keys(now).every((name) => now[name] === this.query[name]);
  }

  /** Whether a job that is on the page belongs to it. Ids go up with time. */
  has(id) {
    return this.covers(id) && !this.without.has(id);
  }

  /** Whether a job that is on the page belongs to it or was left out of it. */
  covers(id) {
    return id <= this.newest;
  }

  /** What something was done with belongs to the list no more. */
  #less(statuses, counts) {
    let left = counts.reduce((all, count) => all + count, 0);
    for (const status of statuses) {
      const some = Math.min(left, this.counts[status] ?? 0);
      if (some) this.counts[status] -= some;
      left -= some;
    }
  }

  /** How many of its jobs are in one of the states, or in any; at least so many unless `allCounted`. */
  count(statuses) {
    const states = statuses ?? Object.keys(this.counts);
    const left = [...this.without.values()].filter((status) => states.includes(status)).length;
    const all = states.reduce((sum, status) => sum + (this.counts[status] ?? 0), 0);
    return Math.max(0, all - left);
  }

  /** Whether any of its jobs may be in one of the states. */
  mayHave(statuses) {
    return !this.allCounted || this.count(statuses) > 0;
  }

  /**
   * Carry an action out, some jobs at a time. `told` gets the outcomes of each step by name, and
   * says by its answer whether to go on. Throws ApiError.
   */
  async carryOut(action, address, told) {
    const { newest, until, query } = this;
    const without = [...this.without.keys()];
    let cursor = null;
    do {
      const json = { ...query, action, newest, until, without, cursor };
      const answer = await api("POST", address, { json });
      cursor = answer.cursor;
      this.#less(APPLIES[action], Object.values(answer.outcomes));
      if (!told(answer.outcomes)) return;
    } while (cursor);
  }
}

/** The ids of at most `most` completed jobs of a list, the newest first. Throws ApiError. */
export async function completedOf(list, address, most) {
  const found = [];
  if (!["all", "done"].includes(list.query.show)) return found;
  const { q, tag, person } = list.query;
  const asked = new URLSearchParams({ status: "completed", limit: "200" });
  for (const [name, value] of Object.entries({ q, tag, person })) if (value) asked.set(name, value);
  let cursor = null;
  do {
    if (cursor) asked.set("cursor", cursor);
    const page = await api("GET", `${address}?${asked}`);
    found.push(...page.jobs.map((job) => job.id).filter((id) => list.has(id)));
    cursor = page.next_cursor;
  } while (cursor && found.length <= most);
  return found;
}

/** What the page's address asks for, whichever page of the list it is. */
function queryOfPage() {
  const given = new URLSearchParams(location.search);
  const text = (name) => (given.get(name) ?? "").trim();
  return { show: text("show") || "all", q: text("q"), tag: text("tag"), person: text("person") };
}
