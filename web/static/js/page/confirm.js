import { focusNear } from "./focus.js";
import { _ } from "./i18n.js";

/** Ask for confirmation of what cannot be undone. Resolves to whether it was given. */
export function confirmAction(question, consequence, action) {
  const dialog = questionDialog(question, consequence, action);
  const opener = document.activeElement;
  dialog.showModal();
  dialog.querySelector("button[value=no]").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const isYes = dialog.returnValue === "yes";
      dialog.remove();
      if (!isYes) focusNear(opener);
      resolve(isYes);
    });
  });
}

/**
 * Ask before a button sends its form that has `data-question`. Before this script has loaded the
 * server asks, by a page: it carries out what comes with `sure`.
 */
export function askFirst() {
  const sure = new WeakSet();
  document.addEventListener("submit", async (event) => {
    const button = event.submitter?.closest("[data-question]");
    if (!button || event.defaultPrevented || sure.delete(button)) return;
    event.preventDefault();
    const { question, lost, yes } = button.dataset;
    const form = event.target;
    // The page may have been made anew meanwhile, without the button.
    if (!(await confirmAction(question, lost, yes)) || button.form !== form) return;
    sure.add(button);
    form.addEventListener("formdata", ({ formData }) => formData.set("sure", "yes"), { once: true });
    form.requestSubmit(button);
  });
}

/**
 * Made here and not by a template: a page that forgot it would do nothing when asked to delete. One for
 * each question: "close" comes late, and from one for all it would answer what was asked meanwhile.
 */
function questionDialog(question, consequence, action) {
  const element = (name, properties, ...children) => {
    const one = Object.assign(document.createElement(name), properties);
    one.append(...children);
    return one;
  };
  const form = element(
    "form",
    { method: "dialog", className: "actions" },
    element("button", { value: "yes", className: "danger" }, action),
    element("button", { value: "no" }, _("Keep")),
  );
  const one = element(
    "dialog",
    { id: "sure" },
    element("h2", { id: "sure-title" }, question),
    element("p", {}, consequence),
    form,
  );
  one.setAttribute("aria-labelledby", "sure-title");
  document.body.append(one);
  return one;
}
