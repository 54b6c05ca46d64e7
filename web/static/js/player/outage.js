import { _ } from "../page/i18n.js";

const LONGEST_WAIT_S = 30;

/**
 * What an error of the recording means, by asking for it: the browser tells the same of a server that
 * starts anew, of a deleted job and of a format that it does not know. Once the recording is there
 * again, it goes on at its place.
 *
 * A browser that was redirected to where the recording is stored goes on asking there, also once that
 * address has expired: loaded again, it is given another. What it cannot reach there at all it fetches
 * from this server.
 */
export class Outage {
  constructor(player) {
    this.player = player;
    this.media = player.media;
    this.failures = 0;
    this.wasPlaying = false;
    this.media.addEventListener("error", () => this.examine());
    this.media.addEventListener("canplay", () => this.over());
    addEventListener("online", () => this.again());
    document.addEventListener("visibilitychange", () => document.hidden || this.again());
    if (this.media.error) this.examine(); // it came before this script
  }

  /** Whether Firefox found nothing to play sound with: it calls that an error, and plays on. */
  get isUnheard() {
    return /AudioError/.test(this.media.error?.message);
  }

  async examine() {
    if (this.player.failed || this.asking) return;
    if (this.isUnheard) {
      this.player.tellTrouble(
        _("This computer has no sound output for the browser: plug one in or choose one, and load the page again."),
      );
      return;
    }
    this.asking = true;
    if (!this.isOut) {
      this.place = this.media.currentTime;
      this.wasPlaying = this.player.isPlaying;
    }
    this.isOut = true;
    const status = await this.status();
    this.asking = false;
    if (status === 206 || status === 200) this.reachable();
    else if (status === 404 || status === 410) this.end();
    else if (status === 401) this.wait(_("You are signed out. Sign in again in another tab; the player goes on then."));
    else this.wait(_("The recording cannot be reached just now; trying again."));
  }

  /** The server's answer for one byte of the recording; 0 for none. */
  async status() {
    try {
      const headers = { Range: "bytes=0-0" };
      const answer = await fetch(this.player.address, { headers, cache: "no-store" });
      return answer.redirected ? 401 : answer.status;
    } catch {
      return 0;
    }
  }

  /** What is there and still gives an error cannot be played; once may be an answer that was cut. */
  reachable() {
    const { code } = this.media.error ?? {};
    this.failures += 1;
    const isCut = code === MediaError.MEDIA_ERR_NETWORK || this.place > 0 || this.wasOut;
    if (isCut && this.failures < 4) this.load();
    else if (this.player.mayBeElsewhere) this.fetchFromHere();
    else this.player.fail();
  }

  fetchFromHere() {
    this.failures = 0;
    this.player.mayBeElsewhere = false;
    const address = new URL(this.media.src);
    address.searchParams.set("redirect", "0");
    this.media.src = address;
    this.load();
  }

  end() {
    this.player.fail();
    this.player.tellTrouble(
      _("The recording is gone: the job was deleted, or its file is missing. What you see here is not changed."),
    );
  }

  wait(words) {
    this.wasOut = true;
    this.player.tellTrouble(words);
    this.waits = Math.min(LONGEST_WAIT_S, 2 * (this.waits ?? 0.5));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.examine(), this.waits * 1000);
  }

  /** Ask at once: the line is back, or somebody comes back from signing in. */
  again() {
    if (!this.isOut) return;
    clearTimeout(this.timer);
    this.examine();
  }

  load() {
    const { media } = this;
    media.load();
    media.addEventListener("loadedmetadata", () => (media.currentTime = this.place), { once: true });
  }

  over() {
    if (!this.isOut) return;
    this.isOut = false;
    this.failures = 0;
    this.waits = undefined;
    this.player.tellTrouble();
    if (this.wasPlaying) this.player.play();
  }
}
