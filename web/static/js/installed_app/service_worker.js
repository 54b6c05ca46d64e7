// Runs beside the pages, and without any: it shows that a job has ended.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const told = read(event.data);
  event.waitUntil(
    self.registration.showNotification(told.title || "Longscribe", {
      // One of a job replaces the other, also that of a page that was open.
      tag: told.job ?? "longscribe",
      icon: new URL("static/icon.svg", self.registration.scope).href,
      data: { job: told.job ?? null },
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { job } = event.notification.data ?? {};
  const path = job ? `jobs/${encodeURIComponent(job)}` : "";
  event.waitUntil(show(new URL(path, self.registration.scope).href));
});

function read(data) {
  try {
    return data?.json() ?? {};
  } catch {
    return {};
  }
}

/** Bring a page to the front that is open at this address, or open it. */
async function show(url) {
  const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = open.find((client) => client.url.split("#")[0] === url);
  return there ? there.focus() : self.clients.openWindow(url);
}
