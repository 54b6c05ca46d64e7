import { focusNear } from "./focus.js";

const dialog = document.getElementById("sure");

/** Ask for confirmation of what cannot be undone. Resolves to whether it was given. */
export function confirmAction(question, consequence, action) {
  dialog.querySelector("h2").textContent = question;
  dialog.querySelector("p").textContent = consequence;
  const yes = dialog.querySelector("button[value=yes]");
  yes.textContent = action;
  dialog.returnValue = "no";
  const opener = document.activeElement;
  dialog.showModal();
  dialog.querySelector("button[value=no]").focus();
  return new Promise((resolve) => {
    const answer = () => {
      const isYes = dialog.returnValue === "yes";
      if (!isYes) focusNear(opener);
      resolve(isYes);
    };
    dialog.addEventListener("close", answer, { once: true });
  });
}
