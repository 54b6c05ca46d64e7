import { renameInPlace } from "./rename.js";

/** The title on a job's page: a button and F2 put a field in its place. */
export function enhanceTitle(article) {
  function rename() {
    const holder = article.querySelector("[data-title]");
    renameInPlace(holder, {
      address: article.dataset.job,
      title: holder.dataset.title,
      saved: ({ title }) => {
        holder.dataset.title = title;
        holder.querySelector("h1").textContent = title;
        holder.querySelector("h1").title = title;
        const field = article.querySelector("#details input[name=title]");
        if (field) field.value = title;
        document.title = `${title} · Longscribe`;
      },
      tell: (words) => {
        let told = holder.querySelector(".trouble");
        if (!told) {
          told = document.createElement("p");
          told.className = "trouble";
          told.setAttribute("role", "alert");
          holder.append(told);
        }
        told.textContent = words;
      },
    });
  }
  article.addEventListener("click", (event) => {
    if (event.target.closest("[data-rename]")) rename();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key !== "F2" || isTyping || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    rename();
  });
}
