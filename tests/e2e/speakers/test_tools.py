"""The buttons of a sentence: they move no text and cover none, and every hand reaches them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.problems import LOOKS, examined
from tests.e2e.speakers.meeting import Meeting, sentence

PLACES = """[...document.querySelectorAll("#sentences p.text")]
  .map((text) => Math.round(text.getBoundingClientRect().top + scrollY))"""

LAID_OUT = """() => {
  const style = new CSSStyleSheet();
  style.replaceSync(".sentences > li { content-visibility: visible !important; }");
  document.adoptedStyleSheets.push(style);
}"""
"""Script that lays all sentences out: those that were never in view have the height that the
stylesheet guesses."""

COVERED = """() => {
  const tools = document.querySelector(".sentence-tools");
  const row = tools.closest("#sentences > li");
  const text = tools.parentElement.querySelector(".text");
  const found = [];
  for (let length = 1; length <= 90; length += 1) {
    text.textContent = "字".repeat(length);
    const box = row.getBoundingClientRect();
    const range = document.createRange();
    const lines = [...row.querySelectorAll("p.text, .speaker, .at")].flatMap((one) => {
      range.selectNodeContents(one);
      const isSeen = one.offsetWidth > 1; // the times within a paragraph are there for keys alone
      return isSeen || one.matches("p") ? [...range.getClientRects()] : [];
    });
    for (const button of tools.querySelectorAll("button")) {
      if (!button.getClientRects().length) continue;
      const { left, right, top, bottom } = button.getBoundingClientRect();
      const over = ({ left: l, right: r, top: t, bottom: b }) =>
        Math.min(right, r) - Math.max(left, l) > 0.5 &&
        Math.min(bottom, b) - Math.max(top, t) > 0.5;
      if (lines.some(over)) found.push(`${button.textContent} covers one of ${length}`);
      if (top < box.top - 0.5 || bottom > box.bottom + 0.5 || right > box.right + 0.5) {
        found.push(`${button.textContent} is cut off in one of ${length}`);
      }
    }
  }
  return found;
}"""
"""Script that gives what the buttons of a sentence cover of its text, however long, and where they
are cut off."""

WINDOWS = [(1440, 900), (1024, 768), (744, 900), (390, 780), (320, 256)]
"""A desk, tablets, a phone, and a desk of 1280 by 1024 at 400 % zoom."""


def read_as(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize("as_what", ["Sentences", "Paragraphs"])
def test_pressing_another_sentence_moves_no_text(
    meeting: Meeting, context: BrowserContext, as_what: str
) -> None:
    page = meeting.open(context)
    read_as(page, as_what)
    page.evaluate(LAID_OUT)
    for width, height in WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        before = page.evaluate(PLACES)
        for n in (1, 4, 2, 3):
            sentence(page, n).locator("p.text").click()
            expect(sentence(page, n).locator(".sentence-tools")).to_be_visible()
            assert page.evaluate(PLACES) == before, (width, n)


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
@pytest.mark.parametrize("revised", [False, True])
@pytest.mark.parametrize("speakers", [True, False])
def test_the_buttons_cover_no_text_and_are_not_cut_off(
    meeting: Meeting, browser: Browser, locale: str, revised: bool, speakers: bool
) -> None:
    found: dict[Any, list[str]] = {}
    with browser.new_context(locale=locale) as context:
        page = meeting.open(context)
        text = sentence(page, 2).locator("p.text")
        text.evaluate("(text, on) => on && (text.parentElement.dataset.revision = 1)", revised)
        if not speakers:
            page.evaluate(
                "document.getElementById('sentences').classList.remove('naming', 'of-speakers')"
            )
        for reading in page.locator(".reading-as button").all():
            reading.click()
            for width, height in WINDOWS:
                page.set_viewport_size({"width": width, "height": height})
                text.hover()
                found[reading.inner_text(), width] = page.evaluate(COVERED)
    assert {place: problems for place, problems in found.items() if problems} == {}


@pytest.mark.parametrize("as_what", ["Sentences", "Paragraphs"])
def test_in_a_narrow_window_one_button_shows_the_others(
    meeting: Meeting, context: BrowserContext, as_what: str
) -> None:
    page = meeting.open(context)
    page.set_viewport_size({"width": 320, "height": 256})
    read_as(page, as_what)
    tools = sentence(page, 3).locator(".sentence-tools")
    more = tools.get_by_role("button", name="What to do with this sentence")

    sentence(page, 3).locator(".at").focus()
    page.keyboard.press("Tab")
    expect(more).to_be_focused()
    expect(more).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(tools.get_by_role("button", name="Edit")).to_be_focused()
    page.keyboard.press("Escape")
    expect(more).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    expect(tools.get_by_role("button", name="Speaker")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Who says this?")
    page.keyboard.press("Escape")

    sentence(page, 3).locator("p.text").click()
    more.click()
    expect(tools.get_by_role("button")).to_have_text(["Edit", "Speaker"])
    box = tools.locator(".choices").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    page.bring_to_front()
    found = dict(examined(page, LOOKS))
    assert {look: problems for look, problems in found.items() if problems} == {}
    sentence(page, 1).locator("p.text").click()
    expect(sentence(page, 1).get_by_role("button", name="What to do with this")).to_be_visible()
    sentence(page, 3).locator("p.text").click()
    more.click()
    tools.get_by_role("button", name="Edit").click()
    expect(sentence(page, 3).locator("textarea")).to_be_focused()
