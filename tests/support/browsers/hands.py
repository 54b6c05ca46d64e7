"""Actions that Playwright does differently from a person, in one browser or the other."""

from __future__ import annotations

from collections.abc import Callable
from re import Pattern
from typing import Any

from playwright.sync_api import Locator, Page, Route

PROBE = "/static/icon.svg?intercepted"


def intercept(
    page: Page, url: str | Pattern[str], answer: Callable[[Route], Any], *, times: int | None = None
) -> None:
    """Route the requests of a page that is open, and wait until it sends them that way.

    `route` returns before the page's own process knows of it, so a request that the next press
    makes could still go to the server. What is routed before `goto` needs no such wait.
    """
    page.route(f"**{PROBE}", lambda route: route.fulfill(body="intercepted"))
    page.route(url, answer, times=times)
    page.wait_for_function(
        """(probe) => fetch(probe, {cache: "no-store"})
            .then((answer) => answer.text())
            .then((text) => text === "intercepted")""",
        arg=PROBE,
    )


def write_over(field: Locator, text: str) -> None:
    """Put a number in the place of the one in a field; in Firefox `fill` would add it to that."""
    field.clear()
    field.press_sequentially(text)
