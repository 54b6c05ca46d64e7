"""Checks of a page in the browser, and the themes and widths in which it is checked."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.conftest import PATIENCE_MS
from tests.support.thorough import IS_THOROUGH, only_first

Look = tuple[str, int]
"""A colour scheme and the window's width in CSS pixels."""

LOOKS: tuple[Look, ...] = (
    tuple(itertools.product(["light", "dark"], [1440, 390]))
    if IS_THOROUGH
    else (("light", 1440), ("dark", 390))
)
LOCALES = only_first(["en-GB", "zh-CN"])
LOOKS_OF_LOCALES = pytest.mark.parametrize(
    ("locale", "looks"), only_first([("en-GB", LOOKS), ("zh-CN", LOOKS[::-1])])
)
"""English pages are opened wide and light, Chinese ones narrow and dark, and taken through all."""

_DRAWN = "() => new Promise((then) => requestAnimationFrame(() => setTimeout(then)))"
_SHOWN = "() => [matchMedia('(prefers-color-scheme: dark)').matches, innerWidth]"

_RULES_ABOUT_COLOURS = ["color-contrast", "link-in-text-block"]
_INJECTED = Axe(axe_script="void 0")
"""Runs what an earlier examination of the page has put into it."""


def new_context(
    browser: Browser, locale: str, look: Look, *, height: int, **more: Any
) -> BrowserContext:
    """Make a context whose pages are opened in a look, without animations."""
    theme, width = look
    opened = browser.new_context(
        locale=locale,
        color_scheme=theme,  # type: ignore[arg-type]
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
        **more,
    )
    opened.set_default_timeout(PATIENCE_MS)
    return opened


def taken_through(page: Page, looks: Sequence[Look]) -> Iterator[Look]:
    """Put the page, which has to be in front, into one look after another; each once it is drawn.

    A page asks for neither theme nor width while it loads, and loading it takes ten times as long.
    """
    size = page.viewport_size
    assert size is not None
    for theme, width in looks:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": width, "height": size["height"]})
        page.evaluate(_DRAWN)
        assert page.evaluate(_SHOWN) == [theme == "dark", width]
        yield theme, width


def examined(page: Page, looks: Sequence[Look]) -> Iterator[tuple[Look, list[str]]]:
    """Put the page, which has to be in front, into one look after another, and yield its problems.

    In a theme other than the first look's axe examines what depends on colours alone: the rest is
    the same, and takes half of the time.
    """
    first_theme, _ = looks[0]
    for theme, width in taken_through(page, looks):
        yield (theme, width), problems_of(page, width, colours_only=theme != first_theme)


def problems_of(page: Page, width: int, *, colours_only: bool = False) -> list[str]:
    """Collect the problems of a page in its current state."""
    axe = _INJECTED if page.evaluate("'axe' in window") else Axe()
    options = {"runOnly": _RULES_ABOUT_COLOURS} if colours_only else {}
    violations = axe.run(page, options=options).response["violations"]
    problems = [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary']}"
        for violation in violations
        for node in violation["nodes"]
    ]
    inline = page.evaluate(
        """() => [...document.querySelectorAll("script:not([src]), style, [style], [onclick]")]
          .filter((node) => !node.hasAttribute("style") || node.getAttribute("style") !== "")
          .filter((node) => node.type !== "application/json")
          .map((node) => node.outerHTML.slice(0, 100))"""
    )
    problems += [f"inline: {html}" for html in inline]
    if page.evaluate("document.documentElement.scrollWidth") > width:
        problems.append("wider than the window")
    return problems
