/** Keep the saved searches in step with a list that goes from address to address without a load. */
export function enhanceFolders(nav) {
  const keep = nav.querySelector(".keep");
  const { elements } = keep.querySelector("form");
  nav.addEventListener("toggle", (event) => {
    if (event.target.open) event.target.querySelector("input[name=name]")?.focus();
  }, true);

  return function follow(query) {
    const given = new URLSearchParams(query);
    for (const name of ["show", "q", "tag", "person"]) {
      elements[name].value = given.get(name) ?? (name === "show" ? "all" : "");
    }
    given.delete("cursor");
    const now = sorted(given);
    const links = nav.querySelectorAll("a[data-go]");
    keep.hidden = now === sorted([]);
    nav.hidden = keep.hidden && !links.length;
    for (const link of links) {
      const isNow = sorted(new URL(link.href).searchParams) === now;
      if (isNow) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };
}

/** What parameters narrow a list down to, as text that can be compared. */
function sorted(parameters) {
  const narrows = ([name, value]) => value.trim() && (name !== "show" || value !== "all");
  return JSON.stringify([...parameters].filter(narrows).sort());
}
