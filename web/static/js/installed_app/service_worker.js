/* global OFFLINE */
// Runs beside the pages, and without any: it shows that a job has ended, opens a page of its own where
// the server is not reached, and takes recordings that another app shares. OFFLINE stands before this
// script: its files, and a version that changes with them and with this language.
const CACHE = `longscribe-offline-${OFFLINE.version}`;
const inScope = (path) => new URL(path, self.registration.scope).href;
const offlinePage = inScope("offline");
const kept = new Set(OFFLINE.paths.map(inScope));

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));

async function install() {
  const cache = await caches.open(CACHE);
  await cache.addAll([...kept].map((url) => new Request(url, { cache: "reload" })));
  await self.skipWaiting();
}

async function activate() {
  const old = (await caches.keys()).filter((name) => name.startsWith("longscribe-offline-"));
  await Promise.all(old.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

// Nothing is ever put into the cache but at the installation, and the files there are for the offline
// page alone: every other page has the scripts of the server that answers it, or none.
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = request.url.split(/[?#]/)[0];
  if (request.mode === "navigate") {
    if (request.method === "POST" && url === inScope("share")) event.respondWith(takeShared(request));
    // Not other changes: a browser would say that this script asked for them, and not another site.
    if (request.method !== "GET") return;
    event.respondWith(url === offlinePage ? fromCache(request) : navigated(request));
  } else if (request.method === "GET" && kept.has(url)) {
    event.respondWith(forItsPage(event));
  }
});

async function navigated(request) {
  try {
    return await fetch(request);
  } catch {
    const next = request.url.slice(self.registration.scope.length);
    return Response.redirect(`${offlinePage}?next=${encodeURIComponent(next)}`, 302);
  }
}

async function forItsPage({ request, clientId }) {
  const client = clientId ? await self.clients.get(clientId) : null;
  return client?.url.split(/[?#]/)[0] === offlinePage ? fromCache(request) : fetch(request);
}

async function fromCache(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request, { ignoreSearch: true, ignoreVary: true })) ?? fetch(request);
}

/** Keep what another app shares until the front page offers it: nothing is sent unasked. */
async function takeShared(request) {
  let database;
  try {
    const form = await request.formData();
    const files = form.getAll("files").filter((one) => one instanceof File && one.size);
    database = await opened("longscribe-shared");
    await new Promise((resolve, reject) => {
      const transaction = database.transaction("files", "readwrite");
      for (const file of files) transaction.objectStore("files").add({ file, at: Date.now() });
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
  } catch {
    // the page says that nothing was taken
  }
  database?.close();
  return Response.redirect(inScope("#shared"), 303);
}

function opened(name) {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(name, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("files", { autoIncrement: true });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

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
