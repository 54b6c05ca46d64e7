import { api } from "../page/api.js";
import { _ } from "../page/i18n.js";
import { pollFragment } from "../live/live_fragment.js";
import { enhanceSelection } from "./selection.js";
import { confirmAction } from "../page/confirm.js";
import { enhanceFolders } from "./folders.js";
import { renameInPlace } from "../page/rename.js";
import { address } from "../page/base_path.js";

const TYPING_ENDS_MS = 350;
const MOST_STEPS = 20; // pages without any job that are gone on from, until somebody asks for more

/**
 * Keep the list up to date, and filter, search, turn pages, cancel, retry and delete without leaving
 * the page, so that running uploads go on. Returns a function that fetches the list at once.
 */
export function enhanceList(section) {
  const region = section.querySelector("[data-live]");
  const told = document.getElementById("told");
  const refresh = pollFragment(region);

  function tell(words, isError = false) {
    told.textContent = words;
    told.classList.toggle("error", isError);
  }

  followAddresses(section, region, refresh, tell);
  askForJobs(region, refresh, tell);
  enhanceSelection(section, region, refresh, tell);
  return refresh;
}

/** The list's own part of an address of this page, or of one that it links to. */
function followAddresses(section, region, refresh, tell) {
  const search = document.getElementById("search");
  const followFolders = enhanceFolders(document.getElementById("folders"));
  const [fragment] = region.dataset.live.split("?");
  let steps = 0;

  function show(query) {
    region.dataset.live = fragment + query;
    followFolders(query);
    region.setAttribute("aria-busy", "true");
    for (const back of document.querySelectorAll("input[name=back]")) {
      back.value = location.pathname + query;
    }
    refresh();
  }

  function go(url, { replace = false } = {}) {
    steps = 0;
    history[replace ? "replaceState" : "pushState"](null, "", url);
    show(url.search);
  }

  /** A page that ended before anything was found says where it goes on. */
  function goOn() {
    const next = region.querySelector("[data-go-on]")?.dataset.goOn;
    if (!next || document.hidden || steps >= MOST_STEPS) return;
    if (region.getAttribute("aria-busy")) return; // another list was asked for
    const url = new URL(next, location.href);
    steps += 1;
    history.replaceState(null, "", url);
    show(url.search);
  }

  /** A place that the server knows no more, as after its search index was made anew. */
  region.addEventListener("live:refused", (event) => {
    const url = new URL(location.href);
    if (!url.searchParams.has("cursor") || steps >= MOST_STEPS) return;
    event.preventDefault();
    url.searchParams.delete("cursor");
    steps += 1;
    history.replaceState(null, "", url);
    show(url.search);
    tell(_("The list goes on from that place no more; this is its beginning."));
  });
  region.addEventListener("live:shown", () => {
    region.removeAttribute("aria-busy");
    goOn();
    search.hidden = !search.q.value && !region.querySelector(".filters");
  });
  section.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-go]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const url = new URL(link.href);
    search.q.value = url.searchParams.get("q") ?? "";
    go(url);
    if (link.closest(".pager")) section.scrollIntoView();
  });
  window.addEventListener("popstate", () => {
    search.q.value = new URLSearchParams(location.search).get("q") ?? "";
    steps = 0;
    show(location.search);
  });

  let typing = 0;
  function find() {
    clearTimeout(typing);
    const url = new URL(location.href);
    const words = search.q.value.trim();
    if (words === (url.searchParams.get("q") ?? "")) return;
    url.searchParams.delete("cursor");
    if (words) url.searchParams.set("q", words);
    else url.searchParams.delete("q");
    go(url, { replace: true });
  }
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    find();
  });
  search.q.addEventListener("input", (event) => {
    clearTimeout(typing);
    if (!event.isComposing) typing = setTimeout(find, TYPING_ENDS_MS);
  });
  search.q.addEventListener("compositionend", find);
  document.addEventListener("visibilitychange", goOn);
  goOn();
}

/** The buttons and links of a row that do something to its job. */
function askForJobs(region, refresh, tell) {
  const rename = (row) => renameRow(row, refresh, tell);
  region.addEventListener("keydown", (event) => {
    const row = event.key === "F2" && event.target.closest(".job");
    if (!row || event.target.matches(".retitle")) return;
    event.preventDefault();
    rename(row);
  });
  region.addEventListener("click", async (event) => {
    const asked = event.target.closest("[data-ask]");
    if (!asked) return;
    event.preventDefault();
    const row = asked.closest(".job");
    const name = row.querySelector(".name").textContent;
    asked.closest("details")?.removeAttribute("open");
    const job = address(`/api/v1/jobs/${row.dataset.key}`);
    if (asked.dataset.ask === "rename") return rename(row);
    try {
      if (asked.dataset.ask === "delete") {
        if (!(await sureToDelete(name))) return;
        await api("DELETE", job);
        tell(_("“%(name)s” is deleted.", { name }));
      } else if (asked.dataset.ask === "cancel") {
        const answer = await api("POST", `${job}/cancel`);
        tell(
          answer.status === "cancelled"
            ? _("“%(name)s” is cancelled.", { name })
            : _("“%(name)s” is being stopped.", { name }),
        );
      } else {
        await api("POST", `${job}/retry`);
        tell(_("“%(name)s” waits again.", { name }));
      }
    } catch (error) {
      tell(error.message, true);
    }
    refresh();
  });
}

/** Put a field in the place of a row's title. */
function renameRow(row, refresh, tell) {
  const name = row.querySelector(".name");
  renameInPlace(row.querySelector(".titled"), {
    address: address(`/api/v1/jobs/${row.dataset.key}`),
    title: name.textContent,
    saved: ({ title }) => {
      name.textContent = title;
      tell(_("Renamed to “%(name)s”.", { name: title }));
      refresh();
    },
    tell,
  });
}

function sureToDelete(name) {
  return confirmAction(
    _("Delete “%(name)s”?", { name }),
    _("The recording and its transcript will be gone for good."),
    _("Delete"),
  );
}
