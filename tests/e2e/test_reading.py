"""Listening while reading: a real browser plays a real recording beside its transcript."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

import migrations
from shared.db import Database
from shared.storage.local.folder import LocalFolder
from shared.transcripts.values import Transcript
from tests.support import reports
from tests.support.services import Stack, running
from tests.support.speech import long_transcript
from web.api.listening import PIECE_BYTES

RECORDED_S = 90.0
STORED = long_transcript.transcript(RECORDED_S / 3600, 450)
"""Words at five characters a second, a usual pace, in some twenty sentences."""

WORD_HIGHLIGHT = "[...(CSS.highlights.get('spoken') ?? [])].map(String).join()"


@dataclass
class Site:
    stack: Stack
    db: Database
    blobs: LocalFolder
    job_id: str
    complaints: list[str] = field(default_factory=list)

    def open(self, context: BrowserContext, job_id: str = "", tail: str = "") -> Page:
        page = context.new_page()
        page.on(
            "console",
            lambda line: (
                self.complaints.append(line.text) if line.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{self.stack.url}/jobs/{job_id or self.job_id}{tail}")
        return page

    def add(self, content: bytes, stored: Transcript = STORED, **values: Any) -> str:
        return long_transcript.finished_job(self.db, self.blobs, content, stored, **values)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("reading")
    url = f"sqlite:///{folder / 'longscribe.db'}"
    migrations.upgrade(url)
    env = {"LONGSCRIBE_MIN_FREE_BYTES": "0"}
    with running(Stack(folder / "stack", url, env)) as stack:
        stack.start_web()
        blobs = LocalFolder(folder / "stack" / "data" / "recordings", min_free_bytes=0)
        site = Site(stack, Database(url), blobs, "")
        site.job_id = site.add(long_transcript.tone(RECORDED_S))
        yield site
        site.db.dispose()


@pytest.fixture
def site(installed: Site) -> Iterator[Site]:
    """The site; fails if a browser logged an error during the test."""
    installed.complaints.clear()
    yield installed
    assert installed.complaints == []


def time_of(page: Page) -> float:
    return float(page.evaluate("document.querySelector('#player audio').currentTime"))


def is_paused(page: Page) -> bool:
    return bool(page.evaluate("document.querySelector('#player audio').paused"))


def wait_for_time(page: Page, least: float, most: float) -> None:
    page.wait_for_function(
        "([least, most]) => { const { currentTime } = document.querySelector('#player audio');"
        " return least <= currentTime && currentTime <= most; }",
        arg=[least, most],
    )


def click_word(page: Page, sentence: int, word: int) -> float:
    """Click the middle of a word; returns its start in seconds."""
    spoken = STORED.sentences[sentence]
    text = spoken.words[word].word
    place = page.evaluate(
        """([n, text]) => {
          const node = document.querySelector(`#s${n} p`).firstChild;
          const range = document.createRange();
          const at = node.data.indexOf(text);
          range.setStart(node, at);
          range.setEnd(node, at + text.length);
          range.startContainer.parentElement.scrollIntoView({ block: 'center' });
          const box = range.getClientRects()[0];
          return [box.left + box.width * 0.8, box.top + box.height / 2];
        }""",
        [sentence, text],
    )
    page.mouse.click(*place)
    return next(each.start for each in spoken.words if each.word == text)


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


def test_a_click_on_a_time_plays_and_the_words_light_up_in_turn(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    page.locator("#s4 .at").click()
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
    wait_for_time(page, sentence.words[5].end, RECORDED_S)
    page.keyboard.press("k")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    said = [each.word for one in STORED.sentences for each in one.words]
    seen = page.evaluate("window.seen")
    assert len(seen) >= 4
    assert "\n".join(seen) in "\n".join(said)  # each in its turn, and none left out


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
    at = page.evaluate("scrollY")
    page.keyboard.press("Space")
    following = min(one.start for one in STORED.sentences if one.start > 60)
    wait_for_time(page, following + 0.2, RECORDED_S)
    assert page.evaluate("scrollY") == at  # the sentence changed and the page did not move
    back.click()
    expect(now).to_be_in_viewport()
    expect(back).to_be_hidden()
    page.keyboard.press("Space")


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
    field.fill("没有这样的话")
    expect(count).to_have_text("Nothing found")
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    assert page.evaluate("CSS.highlights.has('found')") is False
    page.get_by_role("button", name="Find", exact=True).click()
    expect(field).to_be_focused()


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


def test_nobody_speaks(site: Site, context: BrowserContext) -> None:
    silence = Transcript(5.0, "zh", "demo", (), ("no_speech",))
    page = site.open(context, site.add(long_transcript.tone(5), silence))
    expect(page.get_by_text("Nobody speaks in this recording.")).to_be_visible()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(page.get_by_role("button", name="Find", exact=True)).to_be_hidden()
    page.keyboard.press("l")
    wait_for_time(page, 4.9, 5.1)


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
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []
    context.close()


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html'][:120]}" for one in found for node in one["nodes"]]


def test_on_paper_there_is_the_text_in_black(site: Site, browser: Browser) -> None:
    context = browser.new_context(color_scheme="dark")
    page = site.open(context, tail="?t=30")
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("#player")).to_be_hidden()
    expect(page.locator("#s0 p")).to_be_visible()
    ink = page.locator("#s0 p").evaluate("one => getComputedStyle(one).color")
    assert max(int(part) for part in re.findall(r"\d+", ink)[:3]) < 80
    context.close()
