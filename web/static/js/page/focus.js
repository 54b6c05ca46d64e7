/** Whether what is typed goes into a field. */
export function isField(event) {
  const target = event.target;
  return Boolean(
    target.isContentEditable ||
      target.closest?.("input:not([type=range]), textarea, select, [role=textbox]"),
  );
}

/**
 * Whether a key belongs to an input method that chooses characters. For Safari that is over when the
 * key comes that ends it, and only the key's number tells.
 */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;

/** A key that leads to a field, as E to a sentence, types nothing there as long as it is held. */
export function typeOncePressed() {
  let pressedIn = null;
  document.addEventListener(
    "keydown",
    (event) => {
      if (!event.repeat) pressedIn = event.target;
      else if (event.target !== pressedIn && event.key.length === 1 && isField(event)) event.preventDefault();
    },
    { capture: true },
  );
}

/** Give the focus back to what had it; or if a menu that closed hides it, to that. */
export function focusNear(element) {
  const menu = element?.closest?.("details.menu:not([open])");
  (menu?.querySelector("summary") ?? element)?.focus?.();
}
