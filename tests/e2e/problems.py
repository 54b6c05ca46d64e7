"""Checks of a page in the browser, and the combinations of theme and size that are checked."""

from __future__ import annotations

import itertools

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

LOOKS = list(itertools.product(["en", "zh"], ["light", "dark"], [1440, 390]))
LOOKS_NAMED = [f"{language}-{theme}-{width}" for language, theme, width in LOOKS]

_INJECTED = Axe(axe_script="void 0")
"""Runs what an earlier examination of the page has put into it."""


def problems_of(page: Page, width: int) -> list[str]:
    """Collect the problems of a page in its current state."""
    axe = _INJECTED if page.evaluate("'axe' in window") else Axe()
    violations = axe.run(page).response["violations"]
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
