// The page of words.
import "./main.js";
import { api } from "./page/api.js";
import { addText } from "./page/text_file.js";

for (const button of document.querySelectorAll("[data-choose]")) {
  const file = document.getElementById(button.dataset.choose);
  const form = button.closest("form");
  button.addEventListener("click", () => file.click());
  file.addEventListener("change", () => file.files[0] && send(form, file));
}

for (const button of document.querySelectorAll("[data-words-of]")) {
  const file = document.getElementById(button.dataset.wordsOf);
  const field = document.getElementById(button.dataset.to);
  button.addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    if (file.files[0]) await addText(file.files[0], field);
    file.value = "";
    field.focus();
  });
}

/** Send a file as it is: the server knows in which encoding it may be. */
async function send(form, file) {
  const problem = form.querySelector(".problem");
  problem.hidden = true;
  const method = form.elements.only.checked ? "PUT" : "POST";
  try {
    await api(method, form.dataset.fileTo, { form: file.files[0] });
    location.reload();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
    file.value = ""; // the same file, mended, is a change again
  }
}
