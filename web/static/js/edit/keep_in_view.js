const LEAST = 120; // what slides in at the top or foot of a phone's browser takes less

/** Keep the open sentence above a keyboard that takes the lower part of the window. */
export function keepInView(editing) {
  let before = innerHeight;
  addEventListener("resize", () => {
    const isLower = innerHeight < before - LEAST;
    before = innerHeight;
    const { editor } = editing;
    if (isLower && editor?.field === document.activeElement) editor.row.scrollIntoView({ block: "nearest" });
  });
}
