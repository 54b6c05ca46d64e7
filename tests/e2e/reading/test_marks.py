"""Marking places by keys, and chapters in the transcript, in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Route, expect

from shared.annotations.marks import read_marks
from shared.models import LOCAL_OWNER
from tests.e2e.reading.site import STORED, Site, time_of, wait_for_time
from tests.support.browsers.hands import intercept
from tests.support.stack import wait_for


def test_a_file_dropped_beside_a_field_does_not_take_the_pages_place(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    page.keyboard.press("m")
    drop = """(element) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(["sound"], "meeting.wav"));
      const options = { dataTransfer, bubbles: true, cancelable: true };
      return element.dispatchEvent(new DragEvent("drop", options));
    }"""
    is_browsers = {
        name: page.locator(name).evaluate(drop) for name in ("h1", "form.mark input[name=text]")
    }
    assert is_browsers == {"h1": False, "form.mark input[name=text]": True}


def test_places_are_marked_by_keys_and_chapters_stand_in_the_transcript(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    second = STORED.sentences[1]
    page.locator("#s1 .at").click()
    page.keyboard.press("Space")
    page.keyboard.press("m")
    expect(page.get_by_label("Text", exact=True)).to_be_focused()
    page.keyboard.press("Escape")  # and back to what was read
    expect(page.locator("#s1 .at")).to_be_focused()
    page.keyboard.press("m")
    at = page.get_by_label("At", exact=True)
    at.fill(f"0:{int(second.start) + 1:02}")
    page.get_by_label("Text", exact=True).fill("开场")
    page.keyboard.press("Enter")
    expect(page.locator("#s1 .chapter-title")).to_have_text("开场")
    expect(page.locator("#s1 .at")).to_be_focused()
    page.get_by_label("Kind").select_option("todo")
    at.fill("0：30")  # as a Chinese keyboard writes it
    page.get_by_label("Text", exact=True).fill("买GPU")
    page.get_by_label("Who", exact=True).fill("王芳")
    page.keyboard.press("Enter")
    row = page.locator("#marks .rows .todo")
    expect(row).to_contain_text("买GPU (王芳)")
    expect(page.locator("#sentences .place-mark")).to_have_text("To do: 买GPU (王芳)")
    row.get_by_role("link", name="0:30").click()
    page.wait_for_function("() => document.querySelector('#player audio').currentTime >= 30")
    assert time_of(page) < 60
    kept = read_marks(site.db, owner_id=LOCAL_OWNER, job_id=site.job_id)
    assert [mark.text for mark in kept] == ["开场", "买GPU"]

    # On a slow line Enter is pressed twice, and the next begun; that stays when the key is pressed.
    held: list[Route] = []
    intercept(page, "**/marks", lambda route: held.append(route))
    page.keyboard.press("m")
    page.get_by_label("Text", exact=True).fill("once")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.locator("#s2 .at").focus()
    page.keyboard.press("m")
    expect(page.get_by_label("Text", exact=True)).to_have_value("")
    page.keyboard.type("next")
    wait_for(lambda: page.title() and held, what="the mark on its way")
    page.unroute("**/marks")
    held[0].continue_()
    expect(page.locator("#marks .rows")).to_contain_text("once")
    page.locator("#s2 .at").focus()
    page.keyboard.press("m")
    expect(page.get_by_label("Text", exact=True)).to_have_value("next")
    page.get_by_label("Text", exact=True).fill("")
    assert len(held) == 1
    page.get_by_role("button", name="Delete: once").click()
    expect(page.locator("#marks .rows")).not_to_contain_text("once")

    # The place that is heard is kept exactly, also when the text is changed later.
    page.evaluate(
        "() => { const audio = document.querySelector('#player audio');"
        " audio.pause(); audio.currentTime = 45.678; }"
    )
    wait_for_time(page, 45.67, 45.69)
    page.locator("#player .seek").focus()
    page.keyboard.press("M")  # with Caps Lock
    page.get_by_label("Kind").select_option("note")
    page.get_by_label("Text", exact=True).fill("first")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Change: first").click()
    page.get_by_label("Text", exact=True).fill("second")
    page.keyboard.press("Enter")
    expect(page.locator("#marks .rows .note")).to_contain_text("second")
    kept = read_marks(site.db, owner_id=LOCAL_OWNER, job_id=site.job_id)
    assert [mark.at_s for mark in kept if mark.text == "second"] == [
        pytest.approx(45.678, abs=0.005)
    ]
    # The title of a chapter stands above what else is marked where it begins.
    page.get_by_label("Kind").select_option("chapter")
    at.fill("0:45.7")
    page.get_by_label("Text", exact=True).fill("议题")
    page.keyboard.press("Enter")
    begun = page.locator("#sentences li:has(> .place-mark):has(> .chapter-title)")
    expect(begun.locator("> :is(.chapter-title, .place-mark)")).to_have_text(
        ["议题", "Note: second"]
    )
    page.get_by_role("button", name="Delete: 议题").click()
    expect(page.locator("#marks .rows .chapter")).to_have_count(1)
    page.get_by_role("button", name="Delete: second").click()
    expect(page.locator("#marks .rows .note")).to_have_count(0)  # or the reload might overtake it

    page.get_by_role("button", name="Delete: 开场").click()
    expect(page.locator(".chapter-title")).to_have_count(0)
    page.reload()
    expect(page.locator("#marks .rows li")).to_have_count(1)
    page.get_by_role("button", name="Delete: 买GPU").click()
    expect(page.locator("#marks .rows li")).to_have_count(0)
    assert site.complaints == []
