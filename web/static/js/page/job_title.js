import { isField } from "./focus.js";
import { renameInPlace } from "./rename.js";

/** The title on a job's page: a button and F2 put a field in its place. */
export function enhanceTitle(article) {
  function rename() {
    const holder = article.querySelector("[data-title]");
    if (!holder.querySelector("[data-rename]")) return; // of somebody else's recording
    renameInPlace(holder, {
      address: article.dataset.job,
      title: holder.dataset.title,
      saved: ({ title }) => {
        holder.dataset.title = title;
        holder.querySelector("h1").textContent = title;
        holder.querySelector("h1").title = title;
        for (const name of ["title", "was_title"]) {
          const field = article.querySelector(`#details input[name=${name}]`);
          if (field) field.value = title;
        }
        document.title = `${title} · Longscribe`;
      },
      tell: (words) => {
        holder.querySelector(".trouble")?.remove();
        if (!words) return;
        const told = document.createElement("p");
        told.className = "trouble";
        told.setAttribute("role", "alert");
        told.textContent = words;
        holder.append(told);
      },
    });
  }
  article.addEventListener("click", (event) => {
    if (event.target.closest("[data-rename]")) rename();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "F2" || isField(event) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    rename();
  });
}
