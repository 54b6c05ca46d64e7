// The browser's own way of writing the page's language, where it has one.
const page = document.documentElement.lang;
const own = navigator.languages.find((tag) => tag.split("-")[0] === page.split("-")[0] && isKnown(tag)) ?? page;

/** Whether times can be written as a language does. Some systems name it as no browser understands. */
function isKnown(tag) {
  try {
    return Boolean(new Intl.Locale(tag));
  } catch {
    return false; // "en-US@posix"
  }
}

const moment = new Intl.DateTimeFormat(own, { dateStyle: "medium", timeStyle: "short" });
const instant = new Intl.DateTimeFormat(own, {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** Replace the server's UTC times by the reader's local ones. */
export function showLocalTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const format = time.dataset.to === "second" ? instant : moment;
    time.textContent = format.format(new Date(time.dateTime));
  }
}
