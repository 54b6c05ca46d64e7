"""Finding a place by its words, its address or the keyboard, and what the page looks like."""

from __future__ import annotations

import re
from operator import itemgetter
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from shared.transcripts.values import Sentence, Transcript
from tests.e2e.reading.site import STORED, Site, is_paused, time_of, wait_for_time
from tests.support.speech import long_transcript


def test_find_counts_and_goes_round(site: Site, context: BrowserContext) -> None:
    page = site.open(context)
    text = "".join(sentence.text for sentence in STORED.sentences)
    term, total = max(
        ((each, text.count(each)) for each in long_transcript.TERMS), key=itemgetter(1)
    )
    assert total > 2
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Find in the transcript")
    expect(field).to_be_focused()
    page.keyboard.type(term.swapcase())
    count = page.locator("#find .count")
    expect(count).to_have_text(f"1 of {total}")
    page.keyboard.press("Enter")
    expect(count).to_have_text(f"2 of {total}")
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    expect(count).to_have_text(f"{total} of {total}")
    here = "[...(CSS.highlights.get('found-here') ?? [])]"
    assert page.evaluate(f"{here}.map(String)") == [term]
    n = max(n for n, one in enumerate(STORED.sentences) if term in one.text)
    expect(page.locator(f"#s{n}")).to_be_in_viewport()
    assert page.evaluate("CSS.highlights.get('found').size") == total

    # What was found is opened by keys alone.
    page.keyboard.press("Escape")
    expect(page.locator(f"#s{n} .at")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(f"#s{n} .editor textarea")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    field.fill("没有这样的话")
    expect(count).to_have_text("Nothing found")
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    assert page.evaluate("CSS.highlights.has('found')") is False
    page.get_by_role("button", name="Find", exact=True).click()
    expect(field).to_be_focused()


def test_what_an_input_method_has_not_chosen_is_not_looked_for(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    page.clock.install()
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Find in the transcript")
    field.evaluate(
        """(field) => {
          field.value = "yu'suan";
          field.dispatchEvent(new InputEvent("input", { isComposing: true, bubbles: true }));
        }"""
    )
    page.clock.run_for(1000)
    expect(page.locator("#find .count")).to_have_text("")
    field.evaluate(
        """(field, term) => {
          field.value = term;
          field.dispatchEvent(new InputEvent("input", { isComposing: true, bubbles: true }));
          field.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true }));
        }""",
        long_transcript.TERMS[0],
    )
    expect(page.locator("#find .count")).to_contain_text("1 of ")


def test_width_and_what_nobody_sees_do_not_count(site: Site, context: BrowserContext) -> None:
    said = Sentence(0.0, 5.0, "用ＧＰＵ算\u2fa6融，预\u200b算不够。")
    transcript = Transcript(5.0, "zh", "demo", (said,))
    page = site.open(context, site.add(long_transcript.tone(5), transcript))
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Find in the transcript")
    for wanted in ("gpu算", "ＧＰＵ", "金融", "\u202a预算\u202c", "预\ufeff算"):
        field.fill("没有")
        expect(page.locator("#find .count")).to_have_text("Nothing found")
        field.fill(wanted)
        expect(page.locator("#find .count")).to_have_text("1 of 1")


def test_keys_work_and_never_while_something_is_typed(site: Site, context: BrowserContext) -> None:
    page = site.open(context)
    page.locator("h1").click()
    page.keyboard.press("l")
    wait_for_time(page, 15, 15)
    page.keyboard.press("ArrowLeft")
    wait_for_time(page, 10, 10)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("j")
    wait_for_time(page, 0, 0)
    speed = page.get_by_label("Speed")
    page.keyboard.press(".")
    page.keyboard.press(".")
    expect(speed).to_have_value("1.5")
    page.keyboard.press(",")
    expect(speed).to_have_value("1.25")
    assert page.evaluate("document.querySelector('#player audio').playbackRate") == 1.25
    page.reload()
    expect(speed).to_have_value("1.25")  # remembered
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    before = time_of(page)

    page.keyboard.press("/")
    page.keyboard.type("jkl, .?")
    expect(page.get_by_role("searchbox")).to_have_value("jkl, .?")
    assert (time_of(page), is_paused(page)) == (before, True)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    shortcuts = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(shortcuts).to_be_visible()
    page.keyboard.press("l")
    assert time_of(page) == before
    page.keyboard.press("Escape")
    expect(shortcuts).to_be_hidden()
    page.keyboard.press("Control+l")
    assert time_of(page) == before


def test_an_address_names_a_sentence_or_a_time(site: Site, context: BrowserContext) -> None:
    page = site.open(context, tail="#s12")
    expect(page.locator("#s12")).to_have_class("now")
    assert time_of(page) == pytest.approx(STORED.sentences[12].start, abs=0.02)
    page.close()
    page = site.open(context, tail="?t=63.2")
    expect(page.locator("#sentences li.now")).to_be_in_viewport()
    assert time_of(page) == pytest.approx(63.2)
    assert is_paused(page)


def test_nobody_speaks(site: Site, context: BrowserContext) -> None:
    silence = Transcript(5.0, "zh", "demo", (), ("no_speech",))
    page = site.open(context, site.add(long_transcript.tone(5), silence))
    expect(page.get_by_text("Nobody speaks in this recording.")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(page.get_by_role("button", name="Find", exact=True)).to_be_hidden()
    page.keyboard.press("l")
    wait_for_time(page, 4.9, 5.1)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_what_the_reader_opens_is_accessible_too(
    site: Site, browser: Browser, theme: Literal["light", "dark"], width: int
) -> None:
    context = browser.new_context(
        color_scheme=theme,
        viewport={"width": width, "height": 500},
        reduced_motion="reduce",
        locale="zh-CN",
    )
    page = site.open(context, tail="?t=30")
    expect(page.locator("#sentences li.now")).to_be_in_viewport()
    page.keyboard.press("/")
    page.keyboard.type(long_transcript.TERMS[0])
    expect(page.locator("#find .count")).to_contain_text("1")
    page.mouse.move(200, 450)
    page.mouse.wheel(0, -5000)
    expect(page.locator("#back-to-place")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []
    context.close()


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


@pytest.mark.chromium("Playwright asks Firefox for no other medium than the screen")
def test_on_paper_there_is_the_text_in_black(site: Site, browser: Browser) -> None:
    context = browser.new_context(color_scheme="dark")
    page = site.open(context, tail="?t=30")
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("#player")).to_be_hidden()
    expect(page.locator("#s0 p")).to_be_visible()
    ink = page.locator("#s0 p").evaluate("one => getComputedStyle(one).color")
    assert max(int(part) for part in re.findall(r"\d+", ink)[:3]) < 80
    context.close()
