"""A real browser for the tests of the pages: one for all, a fresh context for each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

CHROMIUM = next(
    (
        path
        for name in ("chromium-headless-shell", "chromium")
        if (path := Path("/usr/bin") / name).exists()
    ),
    None,
)
"""The same browser without what draws windows takes two thirds of the processor time."""
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]


PATIENCE_MS = 60_000
"""How long a page is waited for.  What takes half a second on an idle machine takes ten times as
long where other tests have its processors, and Playwright's own five seconds were not enough."""


@pytest.fixture(scope="package", autouse=True)
def patience() -> None:
    """Playwright keeps it for the process, not for a context."""
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is missing")
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(locale="en-GB")
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


HURRIED = """
for (const name of ["setTimeout", "setInterval"]) {
  const begin = window[name];
  window[name] = (then, ms, ...given) => begin(then, ms >= 1000 ? ms / 10 : ms, ...given);
}
"""
"""What waits for a second or more, as the list does between two questions, waits for a tenth."""


@pytest.fixture
def hurried_context(context: BrowserContext) -> BrowserContext:
    """For pages that ask the server again and again: ten times as often."""
    context.add_init_script(HURRIED)
    return context


@pytest.fixture
def context_without_js(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(java_script_enabled=False, locale="en-GB")
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
