// The picture of a recording that has one, with the transcript as captions over it.
import { build } from "../edit/build.js";
import { _ } from "../page/i18n.js";
import { keep, keptJson } from "../browser/storage.js";
import { Quiet } from "../transcript/quiet.js";

const REMEMBERED = "longscribe.picture";
const USUAL = { picture: true, larger: false, captions: true };
const WAIT_MS = 3000; // after a correction, for another

// The whole page makes room: picture_room.js has put them there where a picture is known of.
const { classList } = document.documentElement;

/** Show it once the browser has found one that it plays; otherwise only the sound is there. */
export function showPicture(player, list) {
  const { media } = player;
  if (!(media instanceof HTMLVideoElement)) return;
  let picture = null;
  const look = () => {
    if (media.videoWidth) picture ??= new Picture(player, list);
    else if (player.failed || media.readyState >= media.HAVE_CURRENT_DATA) {
      classList.remove("has-picture", "with-picture", "larger");
    }
  };
  for (const event of ["loadedmetadata", "loadeddata", "resize"]) media.addEventListener(event, look);
  look();
}

class Picture {
  constructor(player, list) {
    this.player = player;
    this.list = list;
    this.wanted = { ...USUAL, ...keptJson(REMEMBERED) };
    const tools = player.element.querySelector(".picture-tools");
    this.buttons = [...tools.querySelectorAll("button")];
    for (const button of this.buttons) button.addEventListener("click", () => this.toggle(button.dataset.do));
    player.media.addEventListener("click", () => player.toggle());
    const later = new Quiet(() => this.captionAnew(), WAIT_MS);
    for (const event of ["transcript:changed", "transcript:restructured"]) {
      list?.addEventListener(event, () => later.soon());
    }
    this.show();
  }

  toggle(what) {
    this.wanted[what] = !this.wanted[what];
    keep(REMEMBERED, JSON.stringify(this.wanted));
    this.show();
  }

  show() {
    const { picture, larger, captions } = this.wanted;
    classList.add("has-picture");
    classList.toggle("with-picture", picture);
    classList.toggle("larger", larger);
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(this.wanted[button.dataset.do]));
    if (picture && captions && !this.track) this.caption();
    if (this.track) this.track.track.mode = picture && captions ? "showing" : "disabled";
  }

  /** Fetch the captions, again where there are some: of the text as it is now. */
  caption() {
    const { media } = this.player;
    this.track?.remove();
    this.track = build("track", {
      kind: "captions",
      src: media.dataset.captions,
      srclang: this.list?.lang ?? "",
      label: _("Captions"),
    });
    media.append(this.track);
  }

  captionAnew() {
    if (!this.track) return;
    this.caption();
    this.show();
  }
}
