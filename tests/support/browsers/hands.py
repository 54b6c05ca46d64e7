"""What Playwright does otherwise than a person, in one browser or the other."""

from __future__ import annotations

from playwright.sync_api import Locator


def write_over(field: Locator, text: str) -> None:
    """Put a number in the place of the one in a field; in Firefox `fill` would add it to that."""
    field.clear()
    field.press_sequentially(text)
