"""Browsers that keep nothing of a site, have no room or name their language as none understands."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.reading.site import STORED, Site, time_of, wait_for_time
from tests.support.browsers.storage import FULL, REFUSED

ODD_LANGUAGE = """
Object.defineProperty(navigator, "languages", { get: () => ["en-US@posix", "en"] });
"""


@pytest.mark.parametrize("oddity", [REFUSED, FULL, ODD_LANGUAGE], ids=["kept out", "full", "posix"])
def test_a_transcript_is_read_and_heard_all_the_same(
    site: Site, context: BrowserContext, oddity: str
) -> None:
    context.add_init_script(oddity)
    page = site.open(context, tail="?t=30")
    expect(page.locator("#sentences li.now")).to_be_in_viewport()
    page.locator("h1").click()
    page.keyboard.press("l")
    wait_for_time(page, 45, 45)
    page.keyboard.press(".")
    expect(page.get_by_label("Speed")).to_have_value("1.25")
    page.get_by_role("button", name="Paragraphs").click()
    expect(page.locator("#sentences .paragraph").first).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(STORED.sentences[3].text[:4])
    expect(page.locator("#find .count")).to_contain_text("1 of ")
    page.locator("[data-export]").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert time_of(page) == 45
    page.goto(f"{site.stack.url}/")
    expect(page.get_by_label("Choose recordings")).to_be_attached()
    expect(page.locator("html")).to_contain_class("ready")
