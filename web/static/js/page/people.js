import { _ } from "./i18n.js";

/**
 * The name of an editor of this page's transcript, by the id that changes have. Null where one person
 * alone can have changed it.
 */
export function nameOf(id) {
  const told = document.querySelector("[data-people]")?.dataset.people;
  if (!id || !told) return null;
  return JSON.parse(told)[id] ?? _("somebody else");
}
