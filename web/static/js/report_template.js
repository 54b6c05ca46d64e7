// The page of templates of reports: one that is kept under a name is deleted once that is confirmed.
import "./main.js";
import { confirmAction } from "./page/confirm.js";
import { _ } from "./page/i18n.js";

for (const form of document.querySelectorAll("form[data-template]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const question = _("Delete the template “%(name)s”?", { name: form.dataset.template });
    const lost = _("Reports that were made from it stay. The file itself is kept nowhere else here.");
    if (await confirmAction(question, lost, _("Delete"))) form.submit();
  });
}
