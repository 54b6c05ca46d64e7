"""The browser of the tests: Chromium, or the one that LONGSCRIBE_TEST_BROWSER names."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Browser, Playwright

from tests.support.browsers import firefox
from tests.support.browsers.chromium import CHROMIUM, FLAGS

NAME = os.environ.get("LONGSCRIBE_TEST_BROWSER", "chromium")
IS_FIREFOX = NAME == "firefox"


class BrowserMissing(Exception):
    """The browser is not installed; says which one and how it is."""


def launch(playwright: Playwright) -> Browser:
    """Start the browser.

    Raises:
        BrowserMissing: it is not installed.
    """
    if IS_FIREFOX:
        if not Path(firefox.FIREFOX).exists():
            raise BrowserMissing("Firefox is missing: apt-get install firefox-esr")
        return firefox.launch(playwright.firefox)
    if NAME != "chromium":
        raise ValueError(f"LONGSCRIBE_TEST_BROWSER is chromium or firefox, not {NAME}")
    if CHROMIUM is None:
        raise BrowserMissing("Chromium is missing: apt-get install chromium-headless-shell")
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
