"""Listening while reading: a real browser plays a real recording beside its transcript."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Response, expect

from tests.e2e.reading.site import (
    RECORDED_S,
    STORED,
    WORD_HIGHLIGHT,
    Site,
    click_word,
    is_paused,
    wait_for_time,
)
from tests.support import reports
from tests.support.speech import long_transcript
from web.api.playback import PIECE_BYTES

AT_REST = """
() => new Promise((then) => {
  let last = scrollY, still = 0;
  const look = () => {
    still = scrollY === last ? still + 1 : 0;
    last = scrollY;
    if (still > 20) then(last);
    else requestAnimationFrame(look);
  };
  look();
})
"""
"""Script that gives how far the page is scrolled, once nothing moves it any more: a wheel's way
takes many frames."""


def test_a_place_in_the_account_of_the_file_is_played(site: Site, context: BrowserContext) -> None:
    job_id = site.add(long_transcript.tone(RECORDED_S), report=reports.FULL)
    page = site.open(context, job_id)
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(page.get_by_text("Sound track 3 was not heard")).to_be_visible()
    account = page.locator("details", has=page.get_by_text("What was in the file"))
    expect(account.get_by_text("28:00; the file tells of 48:12")).to_be_hidden()
    account.locator("summary").click()
    expect(account.get_by_text("28:00; the file tells of 48:12")).to_be_visible()
    account.get_by_role("link", name="0:24").first.click()
    wait_for_time(page, 24, 30)
    assert not is_paused(page)
    assert page.url.endswith(job_id)


def test_a_click_on_a_word_goes_there_and_shows_it(site: Site, context: BrowserContext) -> None:
    page = site.open(context)
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(page.locator("#player .total")).to_have_text("1:30")
    start = click_word(page, 7, 3)
    wait_for_time(page, start, start + 0.01)
    assert is_paused(page)  # it was: whoever corrects wants to look first
    expect(page.locator("#s7")).to_have_class("now")
    page.wait_for_function(f"() => {WORD_HIGHLIGHT} !== ''")
    assert page.evaluate(WORD_HIGHLIGHT) == STORED.sentences[7].words[3].word


@pytest.mark.both_browsers
def test_a_click_on_a_time_plays_and_the_words_light_up_in_turn(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    page.locator("#s4 .at").click()
    # A word lasts a fifth of a second, for which a busy browser may draw nothing.
    page.evaluate("void (document.querySelector('#player audio').playbackRate = 0.2)")
    sentence = STORED.sentences[4]
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert page.url.endswith("#s4")
    page.evaluate(
        f"""() => {{
          window.seen = [];
          const look = () => {{
            const word = {WORD_HIGHLIGHT};
            if (word && window.seen.at(-1) !== word) window.seen.push(word);
            requestAnimationFrame(look);
          }};
          look();
        }}"""
    )
    wait_for_time(page, sentence.words[4].end, RECORDED_S)
    page.keyboard.press("k")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    said = [each.word for one in STORED.sentences for each in one.words]
    seen = page.evaluate("window.seen")
    assert len(seen) >= 4
    assert "\n".join(seen) in "\n".join(said)  # each in its turn, and none left out


def test_the_current_place_is_reached_though_it_moves_on_the_way(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    page.set_viewport_size({"width": 900, "height": 420})
    page.locator("#player .seek").fill("60")
    wait_for_time(page, 59.9, 60.1)
    now = page.locator("#sentences li.now")
    expect(now).to_be_in_viewport()
    page.mouse.move(400, 350)
    page.mouse.wheel(0, -450)  # near enough for smooth scrolling
    expect(now).not_to_be_in_viewport()
    page.evaluate(AT_REST)
    page.evaluate(
        """() => {
            document.documentElement.style.overflowAnchor = "none";
            const list = document.getElementById("sentences");
            addEventListener("scroll", () => (list.style.marginTop = "600px"), { once: true });
        }"""
    )
    page.get_by_role("button", name="Back to the current place").click()
    expect(page.locator("#sentences")).to_have_css("margin-top", "600px")
    page.evaluate(AT_REST)
    expect(now).to_be_in_viewport()


def test_following_rests_while_the_reader_looks_elsewhere(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    page.set_viewport_size({"width": 900, "height": 420})
    back = page.get_by_role("button", name="Back to the current place")
    page.locator("#player .seek").fill("60")
    wait_for_time(page, 59.9, 60.1)
    now = page.locator("#sentences li.now")
    expect(now).to_be_in_viewport()  # it came by itself
    expect(back).to_be_hidden()

    page.mouse.move(400, 350)
    page.mouse.wheel(0, -3000)
    expect(now).not_to_be_in_viewport()
    expect(back).to_be_visible()
    at = page.evaluate(AT_REST)
    page.keyboard.press("Space")
    following = min(one.start for one in STORED.sentences if one.start > 60)
    wait_for_time(page, following + 0.2, RECORDED_S)
    assert page.evaluate("scrollY") == at  # the sentence changed and the page did not move
    back.click()
    expect(now).to_be_in_viewport()
    expect(back).to_be_hidden()
    page.keyboard.press("Space")

    # A field of a mark holds the page still as well, and is left by the same button.
    page.keyboard.press("m")
    kind = page.locator("#mark [name=kind]")
    kind.focus()
    kind.select_option("note")
    expect(now).not_to_be_in_viewport()
    back.focus()
    page.evaluate(AT_REST)
    expect(back).to_be_focused()  # which a field that is left does not hide
    kind.focus()
    back.hover()
    page.mouse.down()
    page.evaluate(AT_REST)  # a person's press lasts
    page.mouse.up()
    expect(now).to_be_in_viewport()
    expect(back).to_be_hidden()
    expect(page.locator("#marks :focus")).to_have_count(0)

    # So it does before the jump to the place has come to rest.
    page.evaluate(
        "([back, kind]) => { scrollTo(0, 0); back.click(); kind.focus(); }",
        [page.locator("#back-to-place").element_handle(), kind.element_handle()],
    )
    page.evaluate(AT_REST)
    expect(kind).to_be_in_viewport()
    expect(now).not_to_be_in_viewport()


def test_whoever_turns_following_off_keeps_it_off(site: Site, context: BrowserContext) -> None:
    page = site.open(context)
    page.set_viewport_size({"width": 900, "height": 420})
    follow = page.get_by_role("button", name="Follow")
    expect(follow).to_have_attribute("aria-pressed", "true")
    follow.click()
    page.reload()
    expect(follow).to_have_attribute("aria-pressed", "false")
    page.locator("#player .seek").fill("60")
    expect(page.locator("#sentences li.now")).to_have_count(1)
    expect(page.locator("#sentences li.now")).not_to_be_in_viewport()
    page.get_by_role("button", name="Back to the current place").click()
    expect(page.locator("#sentences li.now")).to_be_in_viewport()


def test_words_find_their_place_in_a_sentence_that_was_corrected(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    start = click_word(page, 2, 4)
    wait_for_time(page, start, start + 0.01)
    corrected = STORED.sentences[2].words
    page.evaluate(
        """(text) => {
          document.querySelector('#s2 p').textContent = text;
          const list = document.getElementById('sentences');
          list.dispatchEvent(new CustomEvent('transcript:changed', { detail: { n: 2 } }));
        }""",
        "改了：" + "".join(each.word for each in corrected[1:]) + "！",
    )
    page.wait_for_function(f"() => {WORD_HIGHLIGHT} === '{corrected[4].word}'")
    assert click_word(page, 2, 5) == corrected[5].start
    wait_for_time(page, corrected[5].start, corrected[5].start + 0.01)


def test_a_recording_that_browsers_do_not_play_can_be_read(
    site: Site, context: BrowserContext
) -> None:
    job_id = site.add(b"#!AMR\n" + bytes(500), filename="电话.amr")
    page = site.open(context, job_id)
    expect(page.get_by_text("cannot play this kind of recording")).to_be_visible()
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_disabled()
    link = page.get_by_role("link", name="Download the recording")
    assert str(link.get_attribute("href")).endswith(f"{job_id}/audio?download=1")
    expect(page.locator("#s0 p")).to_have_text(STORED.sentences[0].text)
    page.keyboard.press("/")
    page.keyboard.type("GPU")
    expect(page.locator("#find .count")).to_contain_text("1 of")


def test_a_recording_whose_file_is_gone_says_so(site: Site, context: BrowserContext) -> None:
    job_id = site.add(b"RIFF")
    recordings = Path(site.blobs.root)
    newest = max(
        (path for path in recordings.rglob("*") if path.is_file()), key=lambda p: p.stat().st_mtime
    )
    newest.unlink()
    page = site.open(context, job_id)
    expect(page.get_by_text("The recording's file is gone")).to_be_visible()
    expect(page.locator("#player")).to_have_count(0)
    expect(page.locator("#s0 p")).to_be_visible()


def test_without_scripts_it_is_read_and_played(
    site: Site, context_without_js: BrowserContext
) -> None:
    page = site.open(context_without_js)
    expect(page.locator("#s0 p")).to_be_visible()
    expect(page.locator("#player")).to_be_hidden()
    expect(page.locator("audio.plain-player")).to_be_visible()


def test_a_long_recording_is_played_piece_by_piece(site: Site, context: BrowserContext) -> None:
    long = long_transcript.transcript(0.05, 300)
    job_id = site.add(long_transcript.tone(180), long)
    answers: list[tuple[int, int]] = []

    def note(answer: Response) -> None:
        if "/audio" in answer.url:
            answers.append((answer.status, int(answer.headers["content-length"])))

    context.on("response", note)
    page = site.open(context, job_id)
    page.locator("#player .seek").fill("170")
    wait_for_time(page, 169.9, 170.1)
    page.keyboard.press("k")
    wait_for_time(page, 171, 181)  # what lies beyond the first piece is heard
    assert len(answers) > 1
    assert {status for status, _ in answers} == {206}
    assert max(size for _, size in answers) <= PIECE_BYTES
