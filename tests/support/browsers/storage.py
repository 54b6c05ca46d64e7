"""Scripts by which a page finds the browser's storage as some people's browsers have it."""

from __future__ import annotations

REFUSED = """
for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(window, name, {
    get() { throw new DOMException("Access is denied for this document.", "SecurityError"); },
  });
}
"""
"""Nothing is kept of a site, as where its cookies are blocked."""

FULL = """
for (let size = 2 ** 20, n = 0; size; ) {
  try {
    localStorage.setItem(`filled-${n}`, "x".repeat(size));
    n += 1;
  } catch {
    size >>= 1;
  }
}
"""
"""Not a character more is kept."""

NEARLY_FULL = f"""
(() => {{
  try {{
    localStorage.setItem("some", "x".repeat(60));
  }} catch {{
    return; // Firefox gives none to the empty page before it
  }}
  {FULL}
  localStorage.removeItem("some");
}})();
"""
"""A word more is kept, and no sentence."""
