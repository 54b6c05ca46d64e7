import { _ } from "./i18n.js";

const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit",
  minute: "2-digit",
});
let seenAt = new Date();
let note = null;

/** The server answered: what is shown is what is so. */
export function answered() {
  seenAt = new Date();
  note?.remove();
  note = null;
}

/** It did not, so what stands below `region`'s note is old. `reached`: it said that it cannot. */
export function silent(region, reached) {
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
