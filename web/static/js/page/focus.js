/** Whether what is typed goes into a field. */
export function isField(event) {
  const target = event.target;
  return Boolean(
    target.isContentEditable ||
      target.closest?.("input:not([type=range]), textarea, select, [role=textbox]"),
  );
}

/** Give the focus back to what had it; or if a menu that closed hides it, to that. */
export function focusNear(element) {
  const menu = element?.closest?.("details.menu:not([open])");
  (menu?.querySelector("summary") ?? element)?.focus?.();
}
