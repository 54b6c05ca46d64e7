"""A real browser for the tests of the pages: one for all, a fresh context for each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.support import zygote
from tests.support.browsers import chosen


def pytest_runtest_setup(item: pytest.Item) -> None:
    if not chosen.IS_FIREFOX:
        if marker := item.get_closest_marker("firefox"):
            pytest.skip(f"Chromium: {marker.args[0]}")
        return
    if marker := item.get_closest_marker("chromium"):
        pytest.skip(f"Firefox: {marker.args[0]}")
    if "context_without_js" in getattr(item, "fixturenames", ()):
        pytest.skip("Firefox: WebDriver BiDi has no command that switches scripts off")


PATIENCE_MS = 60_000
"""Milliseconds for which a page is waited for.  What takes half a second on an idle machine takes
ten times as long where other tests have its processors, and Playwright's own five seconds were not
enough."""


@pytest.fixture(scope="package", autouse=True)
def warm_children() -> Iterator[None]:
    """What a page shows of a worker does not depend on how its child was started."""
    with zygote.warm_children():
        yield


@pytest.fixture(scope="package", autouse=True)
def patience() -> None:
    """Playwright keeps it for the process, not for a context."""
    expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def playwright(folder_in_memory: Path) -> Iterator[Playwright]:
    """Playwright, whose browsers keep in memory their profiles and what their processes share.

    It tells Chromium not to use /dev/shm, which is small in many containers.  On a disk, making and
    deleting these files takes a fifteenth of the processor time of the browser's tests.
    """
    with tempfile.TemporaryDirectory(dir=folder_in_memory, ignore_cleanup_errors=True) as folder:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TMPDIR", folder)  # for Playwright's process, which starts the browsers
            made = sync_playwright().start()
        yield made
        made.stop()


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    try:
        launched = chosen.launch(playwright)
    except chosen.BrowserMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
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
"""Script by which what waits for a second or more, as the list does between two questions, waits
for a tenth."""


LINGERING = """
() => {
  const begin = window.setTimeout;
  window.setTimeout = (then, ms, ...given) => begin(then, ms === 2000 ? 60000 : ms, ...given);
}
"""


def linger(page: Page) -> None:
    """Let a page say for a minute what it says for two seconds, in which a busy one is not read."""
    page.wait_for_load_state()  # a button can be seen, and pressed in vain, before its script runs
    page.evaluate(LINGERING)


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
