import { _ } from "../page/i18n.js";

const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit",
  minute: "2-digit",
});
let seenAt = new Date();
let note = null;

/** Remove the note: the server answered, so the page is current. */
export function showConnected() {
  seenAt = new Date();
  note?.remove();
  note = null;
}

/** Show a note above `region` that it is out of date. `reached`: the server answered with an error. */
export function showDisconnected(region, reached) {
  if (!note) {
    note = document.createElement("p");
    note.className = "notice";
    note.setAttribute("role", "status");
    region.before(note);
  }
  const values = { time: clock.format(seenAt) };
  note.textContent = reached
    ? _("The server cannot answer just now. This is how things stood at %(time)s; trying again.", values)
    : _("The server cannot be reached. This is how things stood at %(time)s; trying again.", values);
}
