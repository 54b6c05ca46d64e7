"""A job's page in WebKit: reading by ear, correcting by keys, who speaks, and what leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from shared import jobs
from tests.support.browsers.webkit import DESK, PHONE, WebKit
from tests.support.stack import wait_for
from tests.support.subtitle_rules import read_srt
from tests.webkit.site import RECORDED_S, SPOKEN, UNCERTAIN, Site

TIME = "document.querySelector('#player audio').currentTime"
SPOKEN_WORD = "[...(CSS.highlights.get('spoken') ?? [])].map(String).join()"
SELECTED = """const field = document.querySelector(".editor textarea");
return field && field.value.slice(field.selectionStart, field.selectionEnd);"""

CHOOSING = """arguments[0].dispatchEvent(new KeyboardEvent("keydown",
  { key: "Enter", keyCode: 229, bubbles: true, cancelable: true }));"""
"""Script that ends the choice of an input method: the composition itself is over for Safari by
then."""

TAPPED = """const [bar, share] = arguments;
const { left, top, width, height } = bar.getBoundingClientRect();
const at = { clientX: left + share * width, clientY: top + height / 2, bubbles: true };
bar.dispatchEvent(new PointerEvent("pointerdown", { ...at, pointerType: "touch" }));
bar.dispatchEvent(new MouseEvent("click", at));"""
"""Script that tells a page of a tap on a slider by an iPhone, which does not move it."""


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_a_recording_is_read_by_ear(site: Site, browser: WebKit, size: tuple[int, int]) -> None:
    site.open(browser, site.heard, size)
    browser.the("#doubtful-words", "Dotted")  # it comes later, and moves what is below
    browser.click("#s4 .at")
    browser.wait(f"return {TIME} > arguments[0]", SPOKEN.sentences[4].start)
    lit = browser.wait(f"return {SPOKEN_WORD}")
    assert lit in [word.word for word in SPOKEN.sentences[4].words + SPOKEN.sentences[5].words]
    assert browser.wait("return document.querySelector('li.now')?.id") in ("s4", "s5")
    browser.press("k")
    browser.the("#player:not(.is-playing)")

    browser.wait("return document.querySelector('.track:not(.plain)') !== null")
    browser.click("#player .seek")  # its middle
    browser.wait(f"return Math.abs({TIME} - arguments[0]) < 1", RECORDED_S / 2)
    browser.run(TAPPED, browser.the("#player .seek"), 0.75)
    browser.wait(f"return Math.abs({TIME} - arguments[0]) < 1", RECORDED_S * 0.75)
    browser.press("j", ".")
    browser.wait(f"return Math.abs({TIME} - arguments[0]) < 1", RECORDED_S * 0.75 - 15)
    assert browser.run("return document.querySelector('.speed').value") == "1.25"

    term = SPOKEN.sentences[2].words[0].word
    browser.press("/")
    field = browser.the("#find input")
    field.send_keys(term)
    assert browser.the("#find .count", "1 of ")
    browser.run(CHOOSING, field)
    field.send_keys(Keys.ENTER, Keys.ENTER)
    total = "".join(one.text for one in SPOKEN.sentences).count(term)
    browser.the("#find .count", f"{1 + 2 % total} of {total}")
    field.send_keys(Keys.ESCAPE)
    browser.gone("#find")

    browser.wait("return CSS.highlights.get('doubtful')?.size === 1")
    place = browser.run(f"return {TIME}")
    browser.open(f"{site.url}/jobs/{site.heard}", size)
    browser.wait(f"return Math.abs({TIME} - arguments[0]) < 1", place)


def test_a_sentence_is_corrected_by_keys_and_the_change_undone(site: Site, browser: WebKit) -> None:
    site.open(browser, site.heard)
    recognised = site.text(1)
    browser.the("#doubtful-words")  # it comes later, and moves what is below
    browser.double_click(browser.the("#s1 .text"))
    field = browser.the("#s1 textarea")
    assert browser.run("return document.activeElement === arguments[0]", field)
    assert browser.run("return arguments[0].scrollHeight <= arguments[0].clientHeight", field)
    browser.press("a", held=Keys.CONTROL)
    field.send_keys("改过的句子。")
    browser.run(CHOOSING, field)
    assert browser.all("#s1 textarea") == [field]
    browser.press(Keys.ENTER)
    browser.the("#s2 textarea")
    wait_for(lambda: site.text(1) == "改过的句子。", what="the correction")

    browser.press("n", held=Keys.ALT)  # to the uncertain word
    n, place = UNCERTAIN
    word = SPOKEN.sentences[n].words[place].word
    wait_for(lambda: browser.run(SELECTED) == word, what="the uncertain word")
    browser.press(Keys.ESCAPE)
    browser.gone(".editor")
    browser.press("z", held=Keys.CONTROL)
    wait_for(lambda: site.text(1) == recognised, what="the correction to be undone")


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_who_speaks_is_named_and_a_file_is_taken_away(
    site: Site, browser: WebKit, size: tuple[int, int]
) -> None:
    name = "王敏" if size == DESK else "Anna"
    site.open(browser, site.meeting, size)
    browser.wait("return document.querySelector('#speakers button.name')")
    if size == PHONE:
        browser.click("#speakers > summary")
    browser.click("#speakers [data-who='1'] button.name")
    browser.press(Keys.BACKSPACE, name, Keys.ENTER)
    browser.the("#speakers button.name", name)
    browser.the("#sentences .speaker", name)

    def names() -> list[str | None]:
        found = jobs.get_transcript(site.db, owner_id=site.anna.id, job_id=site.meeting)
        return [one.speaker for one in found.sentences]

    wait_for(lambda: names().count(name) == 3, what="the name to be kept")

    browser.click("[data-export]")
    browser.click("dialog.export input[value=srt]")
    browser.the("dialog.export pre", "-->")
    browser.click("dialog.export .copy")
    browser.the("dialog.export .said", "Copied")
    browser.click("dialog.export a.download")
    file = wait_for(lambda: _whole(browser.downloads), what="the file")
    assert len(read_srt(file.read_text())) > 3
    file.unlink()
    browser.press(Keys.ESCAPE)
    browser.gone("dialog.export")
    assert browser.run("return document.activeElement.matches('[data-export]')")


def _whole(folder: Path) -> Path | None:
    return next((path for path in folder.glob("*.srt") if path.stat().st_size), None)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("size", [DESK, PHONE])
def test_pages_and_dialogs_are_no_wider_than_the_window(
    site: Site, browser: WebKit, size: tuple[int, int], language: str
) -> None:
    site.sign_in(browser, size=size)
    if language == "zh":
        browser.click(".site a[lang=zh]")
    wide = "return document.documentElement.scrollWidth > innerWidth"
    for path in ("", "account", "words", "people"):
        browser.open(f"{site.url}/{path}", size)
        assert not browser.run(wide), path
    browser.open(f"{site.url}/jobs/{site.heard}", size)
    browser.press("/")
    browser.the("#find input").send_keys(Keys.ESCAPE)
    browser.double_click(browser.the("#s2 .text"))
    browser.the("#s2 textarea").send_keys(Keys.ESCAPE)
    for opens, dialog in (("[data-export]", "dialog.export"), ("[data-do=help]", "#shortcuts")):
        browser.click(opens)
        shown = browser.the(f"{dialog}[open]")
        assert not browser.run(wide), dialog
        inside = "const box = arguments[0].getBoundingClientRect();"
        assert browser.run(f"{inside} return box.left >= 0 && box.right <= innerWidth", shown)
        browser.press(Keys.ESCAPE)
        browser.gone(dialog)
