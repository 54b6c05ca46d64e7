"""Debian's Firefox for Playwright, which has one of its own that no mirror of Debian has.

Playwright drives any Firefox over WebDriver BiDi, where the channel is named `moz-firefox`. It asks
for more than Firefox ESR 153 does, which is added in Firefox's own process.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from playwright.sync_api import Browser, BrowserType

from tests.support.browsers.firefox_for_playwright import FIREFOX

__all__ = ["FIREFOX", "launch"]

_FOR_PLAYWRIGHT = Path(__file__).with_name("firefox_for_playwright.py")

LAUNCH_MS = 120_000

PREFERENCES: dict[str, str | float | bool] = {
    # A microphone that hums, and nobody to ask.
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    # Sound goes nowhere: without an output Firefox plays on and calls it an error.
    "media.cubeb.force_mock_context": True,
    "media.cubeb.sandbox": False,
    # Tests read what was copied.
    "dom.events.testing.asyncClipboard": True,
    # Playwright waits for a page to load when it goes back, which one that was kept does not.
    "browser.sessionhistory.max_total_viewers": 0,
    # Only for the whole browser.
    "ui.prefersReducedMotion": 1,
    "marionette.port": 0,  # any
}


def launch(firefox: BrowserType, **preferences: bool) -> Browser:
    """Start Debian's Firefox, which has to be installed, with some preferences of its own."""
    python = str(Path(sys.executable).parent)
    return firefox.launch(
        channel="moz-firefox",
        executable_path=_FOR_PLAYWRIGHT,
        env={**os.environ, "PATH": f"{python}:{os.environ['PATH']}"},
        timeout=LAUNCH_MS,
        firefox_user_prefs={**PREFERENCES, **preferences},
    )
