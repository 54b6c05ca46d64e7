"""Marking places by keys, and chapters in the transcript, in a browser."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, expect

from shared.annotations.marks import read_marks
from shared.models import LOCAL_OWNER
from tests.e2e.reading.site import STORED, Site, time_of


def test_places_are_marked_by_keys_and_chapters_stand_in_the_transcript(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    second = STORED.sentences[1]
    page.locator("#s1 .at").click()
    page.keyboard.press("Space")
    page.keyboard.press("m")
    expect(page.get_by_label("Text", exact=True)).to_be_focused()
    at = page.get_by_label("At", exact=True)
    at.fill(f"0:{int(second.start) + 1:02}")
    page.get_by_label("Text", exact=True).fill("开场")
    page.keyboard.press("Enter")
    expect(page.locator("#s1 .chapter-title")).to_have_text("开场")
    page.get_by_label("Kind").select_option("todo")
    at.fill("0:30")
    page.get_by_label("Text", exact=True).fill("买GPU")
    page.get_by_label("Who", exact=True).fill("王芳")
    page.keyboard.press("Enter")
    row = page.locator("#marks .rows .todo")
    expect(row).to_contain_text("买GPU (王芳)")
    row.get_by_role("link", name="0:30").click()
    page.wait_for_function("document.querySelector('#player audio').currentTime >= 30")
    assert time_of(page) < 60
    kept = read_marks(site.db, owner_id=LOCAL_OWNER, job_id=site.job_id)
    assert [mark.text for mark in kept] == ["开场", "买GPU"]
    page.get_by_role("button", name="Delete: 开场").click()
    expect(page.locator(".chapter-title")).to_have_count(0)
    page.reload()
    expect(page.locator("#marks .rows li")).to_have_count(1)
    page.get_by_role("button", name="Delete: 买GPU").click()
    expect(page.locator("#marks .rows li")).to_have_count(0)
    assert site.complaints == []
