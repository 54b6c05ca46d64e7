// Loaded before anything is drawn, and no module, which would wait: makes room for a picture that the
// recording is known to have, as picture.js does once the browser has found one.
(() => {
  let wanted = null;
  try {
    wanted = JSON.parse(localStorage.getItem("longscribe.picture"));
  } catch {
    // As it is shown where nothing was chosen.
  }
  const { classList } = document.documentElement;
  classList.add("has-picture");
  classList.toggle("with-picture", wanted?.picture ?? true);
  classList.toggle("larger", wanted?.larger ?? false);
})();
