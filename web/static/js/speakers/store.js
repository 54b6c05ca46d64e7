import { api } from "../page/api.js";

/** Who speaks, as the server has it: asked for once, and changed one edit after the other. */
export class Store {
  constructor(address) {
    this.address = address;
    this.state = null;
  }

  async load() {
    const state = await api("GET", this.address);
    // The answer to an edit that was made meanwhile may have come before this one.
    if (!(state.revision < this.state?.revision)) this.state = state;
  }

  name(number) {
    return this.state.speakers.find((one) => one.number === number)?.name ?? "";
  }

  /**
   * Make an edit of `kind`. Resolves to whether it was made: not where somebody else made one
   * meanwhile, and then `state` is what that one left. Throws ApiError.
   */
  async change(kind, detail) {
    try {
      this.state = await api("POST", this.address, {
        json: { revision: this.state.revision, kind, ...detail },
      });
      return true;
    } catch (error) {
      if (error.code !== "speakers_edited_meanwhile") throw error;
      this.state = error.body.current;
      return false;
    }
  }

  /** The newest change that can be undone, or undefined. */
  get last() {
    return this.state.edits.find((one) => !one.undone && one.kind !== "undo");
  }
}
