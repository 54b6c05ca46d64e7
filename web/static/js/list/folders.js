/** Keep the saved searches in step with a list that goes from address to address without a load. */
export function enhanceFolders(nav) {
  if (!nav) return () => {};
  const keep = nav.querySelector(".keep form");
  nav.addEventListener("toggle", (event) => {
    if (event.target.open) event.target.querySelector("input[name=name]")?.focus();
  }, true);

  return function follow(query) {
    const given = new URLSearchParams(query);
    for (const name of ["show", "q", "tag", "person"]) {
      keep.elements[name].value = given.get(name) ?? (name === "show" ? "all" : "");
    }
    given.delete("cursor");
    const now = sorted(given);
    for (const link of nav.querySelectorAll("a[data-go]")) {
      const isNow = sorted(new URL(link.href).searchParams) === now;
      if (isNow) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };
}

function sorted(parameters) {
  return JSON.stringify([...parameters].filter(([, value]) => value && value !== "all").sort());
}
