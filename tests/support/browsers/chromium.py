"""Debian's Chromium for Playwright."""

from __future__ import annotations

from pathlib import Path

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
