"""The pages as an installed app: without the server, and given recordings by other apps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.stack import Stack
from tests.support.web.web_site import serving

SHARE = """
() => {
  const form = document.createElement("form");
  form.method = "post";
  form.enctype = "multipart/form-data";
  form.action = "/share";
  const input = document.createElement("input");
  input.type = "file";
  input.name = "files";
  const files = new DataTransfer();
  files.items.add(new File(["sound"], "周会.wav", { type: "audio/wav" }));
  input.files = files.files;
  form.append(input);
  document.body.append(form);
  form.submit();
}
"""
"""Script that sends what a browser sends for another app, as the manifest asks for it."""


SERVED = """
() => new Promise((resolve) => {
  if (navigator.serviceWorker.controller) resolve();
  else navigator.serviceWorker.addEventListener("controllerchange", () => resolve());
})
"""


KEPT_TOO_LONG = """
() => new Promise((resolve) => {
  localStorage["longscribe.push"] = JSON.stringify({
    account: "", signIn: "before", to: "/notifications/browsers",
  });
  const asked = indexedDB.open("longscribe-shared", 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore("files", { autoIncrement: true });
  asked.onsuccess = () => {
    const writing = asked.result.transaction("files", "readwrite");
    writing.objectStore("files").add({ file: new File(["old"], "old.wav"), at: Date.now() - 9e7 });
    writing.oncomplete = () => resolve(asked.result.close());
  };
})
"""
"""A recording that was shared 25 hours ago, and a browser that was told under another sign-in."""

IN_THE_STORE = """
() => new Promise((resolve) => {
  const asked = indexedDB.open("longscribe-shared", 1);
  asked.onsuccess = () => {
    const files = asked.result.transaction("files").objectStore("files").count();
    files.onsuccess = () => { asked.result.close(); resolve(files.result); };
  };
})
"""

SUBSCRIBED = """
Object.defineProperty(Notification, "permission", { get: () => "granted" });
PushManager.prototype.getSubscription = async () => ({
  endpoint: "https://push.example/a", toJSON: () => ({ keys: {} }),
});
const asked = window.fetch;
window.fetch = async (url, options) => {
  if (url !== "/notifications/browsers") return asked(url, options);
  localStorage.told = Number(localStorage.told ?? 0) + 1;
  return new Response("{}", { status: 201 });
};
"""
"""A browser with a subscription, which counts how often the server is told of it."""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with serving(tmp_path) as made:
        yield made


def test_without_the_server_it_records_and_leads_back(
    stack: Stack, context: BrowserContext
) -> None:
    context.grant_permissions(["microphone"])
    page = context.new_page()
    page.goto(f"{stack.url}/")
    # The browser says so of an app that is installed, which no test can.
    page.evaluate("window.dispatchEvent(new Event('appinstalled'))")
    page.evaluate(SERVED)

    page.evaluate(KEPT_TOO_LONG)
    context.add_init_script(SUBSCRIBED)
    page.evaluate(SHARE)
    offer = page.locator(".shared-files")
    expect(offer).to_contain_text("1 recording was shared: 周会.wav")
    assert page.evaluate(IN_THE_STORE) == 1, "what is older than a day is deleted"
    page.wait_for_function("() => JSON.parse(localStorage['longscribe.push']).signIn === ''")
    page.reload()
    expect(offer).to_contain_text("1 recording was shared: 周会.wav")
    assert page.url == f"{stack.url}/"
    offer.get_by_role("button", name="Discard").click()
    expect(offer).to_have_count(0)
    assert page.evaluate("localStorage.told") == "1", "under each sign-in once"
    page.evaluate(SHARE.replace("multipart/form-data", "text/plain"))
    expect(offer).to_contain_text("What was shared could not be taken")

    web = stack.services[-1]
    web.stop()
    page.goto(f"{stack.url}/words")
    expect(page).to_have_url(f"{stack.url}/offline?next=words")
    expect(page.get_by_role("heading", level=1)).to_have_text("The server is not reached")
    page.get_by_role("button", name="Record").click()
    expect(page.locator(".recorder .where")).to_have_text(re.compile("kept in this browser"))
    expect(page.locator(".recorder .time")).to_have_text(re.compile(r"0:(0[2-9]|[1-5]\d)"))
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Transcribe it")).to_be_visible()
    page.reload()
    expect(page.locator("#uploads .kept")).to_contain_text("kept in this browser")
    assert page.evaluate("caches.keys().then((names) => names.length)") == 1

    stack.start_web()
    page.get_by_role("link", name="Go on").click()
    expect(page).to_have_url(f"{stack.url}/words")
    page.goto(f"{stack.url}/")
    expect(page.locator("#uploads .kept")).to_contain_text("kept in this browser")
