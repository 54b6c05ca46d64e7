const dialog = document.getElementById("sure");

/** Ask for confirmation of what cannot be undone. Resolves to whether it was given. */
export function confirmAction(question, consequence, action) {
  dialog.querySelector("h2").textContent = question;
  dialog.querySelector("p").textContent = consequence;
  const yes = dialog.querySelector("button[value=yes]");
  yes.textContent = action;
  dialog.returnValue = "no";
  dialog.showModal();
  dialog.querySelector("button[value=no]").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}
