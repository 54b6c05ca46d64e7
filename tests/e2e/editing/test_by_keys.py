"""Correcting a recording by ear and by keys alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from shared.db import Database
from shared.storage.local.folder import LocalFolder
from shared.transcripts.values import Sentence, Transcript
from tests.e2e.editing.desk import (
    Desk,
    expect_text,
    field_of,
    sentence,
    status,
    wait_until_sent,
)
from tests.support.browsers.hands import intercept
from tests.support.speech import long_transcript
from tests.support.stack import Stack, wait_for

RECORDED_S = 60.0
SPOKEN = long_transcript.transcript(RECORDED_S / 3600, 240)

UNCERTAIN = {1: (2, 3), 2: (1,), 3: (0,), 6: (4,)}
"""The words of sentences that were recognised wrongly, and with little certainty."""
BY_EAR = {4: 3, 7: 2}
"""Sentences that only somebody who listens finds, beside those before."""
RIGHT = "对"

HEARD = """
(time) => {
  const audio = document.querySelector("#player audio");
  delete audio.currentTime;
  audio.currentTime = time;
  audio.playbackRate = 0.1;
  Object.defineProperty(audio, "currentTime", { get: () => time, set() {}, configurable: true });
  audio.play().catch(() => {});
}
"""
"""Plays, and says that it is at that time however long a busy machine takes to press the next key:
a word lasts a quarter of a second."""


def _transcript() -> Transcript:
    def spoken(n: int, one: Sentence) -> Sentence:
        words = tuple(
            replace(word, confidence=0.2 if place in UNCERTAIN.get(n, ()) else 0.97)
            for place, word in enumerate(one.words)
        )
        return replace(one, words=words)

    sentences = tuple(spoken(n, one) for n, one in enumerate(SPOKEN.sentences))
    return replace(SPOKEN, sentences=sentences, low_confidence_share=0.02)


@pytest.fixture
def desk(server: Stack) -> Iterator[Desk]:
    """A job with a recording that can be played."""
    db = Database(server.database_url)
    blobs = LocalFolder(server.folder / "data" / "recordings", min_free_bytes=0)
    content = long_transcript.tone(RECORDED_S)
    opened = Desk(server, db, long_transcript.finished_job(db, blobs, content, _transcript()))
    yield opened
    db.dispose()
    assert opened.complaints == []


@dataclass
class Hands:
    """A keyboard that counts what is pressed beside the letters of the corrections."""

    page: Page
    pressed: int = 0
    letters: int = field(default=0)

    def press(self, keys: str) -> None:
        self.pressed += len(keys.split("+"))
        self.page.keyboard.press(keys)

    def write(self, text: str) -> None:
        self.letters += len(text)
        self.page.keyboard.type(text)


def _audio(page: Page, what: str) -> object:
    return page.evaluate(f"document.querySelector('#player audio').{what}")


def _corrected(n: int, *places: int) -> str:
    """The sentence with one right word in the place of these."""
    text = SPOKEN.sentences[n].text
    wrong = "".join(SPOKEN.sentences[n].words[place].word for place in places)
    assert text.count(wrong) == 1
    return text.replace(wrong, RIGHT)


def test_errors_are_corrected_with_at_most_four_keys_each(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    expect(page.locator("#doubtful-words")).to_be_visible()
    hands = Hands(page)
    errors = 0

    # From one uncertain word to the next, each replaced by what is typed.
    for n, places in UNCERTAIN.items():
        hands.press("Alt+n")
        expect(sentence(page, n).locator("textarea")).to_be_focused()
        hands.write(RIGHT)
        assert field_of(page).input_value() == _corrected(n, *places)
        errors += 1
    hands.press("Control+Enter")
    expect(field_of(page)).to_have_count(0)

    # By ear: stopped at the word, corrected, and on it goes.
    for n, place in BY_EAR.items():
        word = SPOKEN.sentences[n].words[place]
        page.evaluate(HEARD, word.start + 0.1)  # in the place of the time until it is
        expect(sentence(page, n)).to_contain_class("now")
        hands.press("Enter")
        assert _audio(page, "paused")
        _wait_for_caret(page, SPOKEN.sentences[n].text.index(word.word))
        hands.press("Delete")
        hands.write(RIGHT)
        hands.press("Enter")
        expect(sentence(page, n + 1).locator("textarea")).to_be_focused()
        assert not _audio(page, "paused")
        errors += 1
    hands.press("Escape")

    wanted = {n: _corrected(n, *places) for n, places in UNCERTAIN.items()}
    wanted |= {n: _corrected(n, place) for n, place in BY_EAR.items()}
    wait_for(lambda: all(desk.text(n) == text for n, text in wanted.items()), what="all saved")
    print(f"{hands.pressed / errors:.1f} keys an error, beside {hands.letters} letters")
    assert hands.pressed <= 4 * errors


def _wait_for_caret(page: Page, at: int) -> None:
    page.wait_for_function(
        "(at) => document.querySelector('.editor textarea')?.selectionStart === at", arg=at
    )


@pytest.mark.both_browsers
def test_keys_play_wherever_the_hands_are(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context)
    play, pause = (page.get_by_role("button", name=name, exact=True) for name in ("Play", "Pause"))
    # Space, right after a click on a time and after a saved correction.
    page.locator("#s3 .at").click()
    expect(pause).to_be_visible()
    page.evaluate(
        "() => { window.presses = 0;"
        " document.querySelector('#player audio').onpause = () => (window.presses += 1); }"
    )
    for _ in range(4):  # held a little long, it pauses once
        page.keyboard.down("Space")
    page.keyboard.up("Space")
    expect(play).to_be_visible()
    assert page.evaluate("window.presses") == 1
    # The mouse leaves the focus where it was, so that Enter opens the sentence.
    play.click()
    pause.click()
    page.keyboard.press("Enter")
    expect(sentence(page, 3).locator("textarea")).to_be_focused()
    page.keyboard.type("a ")
    page.keyboard.press("Control+Enter")
    expect(status(page)).to_contain_text("Saved.")
    page.keyboard.press("Space")
    expect(pause).to_be_visible()
    page.keyboard.press("Space")

    # In the editor a chord plays; going on steps back.
    page.evaluate(
        "() => { const audio = document.querySelector('#player audio');"
        " audio.currentTime = 30; audio.playbackRate = 0.1; }"
    )  # so slowly that it is known where it began
    for _ in range(2):  # and types nothing in what it opens
        page.keyboard.down("e")
        expect(field_of(page)).to_be_focused()
    page.keyboard.up("e")
    shown = page.locator("#sentences .editing .text").text_content() or ""
    assert field_of(page).input_value() == shown.strip()
    page.keyboard.press("Alt+k")
    expect(pause).to_be_visible()
    assert 27.9 <= float(str(_audio(page, "currentTime"))) < 29.9
    page.keyboard.press("Alt+k")
    expect(play).to_be_visible()
    page.keyboard.press("Escape")

    # A pedal's key is learnt, and one that types is not.
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    learn = dialog.get_by_role("button", name="Play or pause")
    learn.click()
    page.keyboard.press("x")
    expect(dialog.get_by_role("status")).to_contain_text("This key types or moves")
    page.keyboard.press("F9")
    expect(learn).to_contain_text("F9")
    dialog.get_by_label("steps back").select_option("0")
    page.keyboard.press("Escape")
    page.reload()
    page.locator("#s1 .text").dblclick()
    page.keyboard.press("F9")
    expect(pause).to_be_visible()
    page.keyboard.press("F9")
    expect(play).to_be_visible()


def test_a_double_click_selects_what_it_opens_and_hinders_no_copying(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    words = "review gateway"
    desk.correct(f"先 {words} 再说。", n=2)
    page.reload()
    text = page.locator("#s2 p")
    # Within the sentence, for what is still to come above it pushes it down.
    place = text.evaluate(
        """(text) => {
          const node = text.firstChild;
          const range = document.createRange();
          const at = node.data.indexOf('gateway');
          range.setStart(node, at + 2);
          range.setEnd(node, at + 3);
          const box = range.getBoundingClientRect();
          const all = text.getBoundingClientRect();
          return {x: box.left - all.left, y: box.top + box.height / 2 - all.top};
        }"""
    )
    text.dblclick(position=place, modifiers=["Alt"])
    assert page.evaluate("String(getSelection()).trim()") == "gateway"
    expect(field_of(page)).to_have_count(0)

    text.dblclick(position=place)
    expect(field_of(page)).to_be_focused()
    selected = "(f) => f.value.slice(f.selectionStart, f.selectionEnd)"
    assert field_of(page).evaluate(selected) == "gateway"
    page.keyboard.type("deadline")
    page.keyboard.press("Control+Enter")
    expect_text(page, 2, "先 review deadline 再说。")
    # Nothing typed in the next: undo goes back over the sentence before, and opens it.
    page.keyboard.press("Enter")
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("Control+z")
    expect(field_of(page)).to_have_value(f"先 {words} 再说。")


def test_sentences_are_split_joined_and_moved_by_keys_and_all_of_it_undone(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    spoken = SPOKEN.sentences[1]
    cut = spoken.words[4]
    text, at = spoken.text, spoken.text.index(cut.word)
    rows = len(SPOKEN.sentences)
    page.locator("#s1 .text").dblclick()
    field_of(page).evaluate("(field, at) => field.setSelectionRange(at, at)", at)
    page.keyboard.press("Shift+Enter")
    second = sentence(page, rows).locator("textarea")
    expect(second).to_be_focused()
    expect(second).to_have_value(text[at:])
    expect_text(page, 1, text[:at])
    began = float(str(page.locator("#sentences > li").nth(2).get_attribute("data-start")))
    assert began == pytest.approx(cut.start, abs=0.03)

    # A time is moved, and the sentence before ends no later.
    page.keyboard.press("Alt+,")
    expect(status(page)).to_contain_text("From")
    expect(sentence(page, rows)).to_have_attribute("data-start", f"{began - 0.1:g}")
    page.keyboard.press("Alt+.")
    expect(sentence(page, rows)).to_have_attribute("data-start", f"{began:g}")
    page.keyboard.press("Control+z")
    expect(sentence(page, rows)).to_have_attribute("data-start", f"{began - 0.1:g}")
    page.keyboard.press("Control+z")
    expect(sentence(page, rows)).to_have_attribute("data-start", f"{began:g}")

    # Typed in, and joined with the one before.
    page.locator(".editor textarea").wait_for()
    page.keyboard.press("Home")
    page.keyboard.type(RIGHT)
    page.keyboard.press("Home")
    page.keyboard.press("Backspace")
    joined = text[:at] + RIGHT + text[at:]
    expect(sentence(page, 1).locator("textarea")).to_have_value(joined)
    expect(sentence(page, rows)).to_have_count(0)
    address = f"{desk.stack.url}/api/v1/jobs/{desk.job_id}/transcript?format=txt"
    # It is shown before the server has it.
    wait_for(lambda: joined in page.request.get(address).text().splitlines(), what=joined)

    for _ in range(2):  # the join, and the split
        page.keyboard.press("Control+z")
        expect(status(page)).to_contain_text("Undone.")
    expect_text(page, 1, text)
    expect(page.locator("#sentences > li")).to_have_count(rows)
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#sentences > li")).to_have_count(rows + 1)
    wait_until_sent(page)
    page.reload()
    expect(page.locator("#sentences > li")).to_have_count(rows + 1)
    expect_text(page, rows, text[at:])
    assert desk.text(rows) == text[at:]


def test_words_follow_a_split_before_they_are_fetched_anew(
    desk: Desk, context: BrowserContext
) -> None:
    """All words of five hours take longer than a key may."""
    uncertain = [SPOKEN.sentences[1].words[place].word for place in UNCERTAIN[1]]
    wrong = "".join(uncertain)
    page = desk.open(context)
    page.wait_for_function("() => CSS.highlights.get('doubtful')?.size >= 4")
    intercept(page, "**/words", lambda route: route.abort())
    sentence(page, 1).locator(".at").focus()
    page.keyboard.press("Enter")
    field_of(page).evaluate(
        "(field, wrong) => field.setSelectionRange(...Array(2).fill(field.value.indexOf(wrong)))",
        wrong,
    )
    page.keyboard.press("Shift+Enter")
    new = sentence(page, len(SPOKEN.sentences)).locator("textarea")
    expect(new).to_be_focused()
    page.keyboard.press("Alt+n")
    selected = "(field) => field.value.slice(field.selectionStart, field.selectionEnd)"
    wait_for(lambda: new.evaluate(selected) == wrong, what="the word that is uncertain")
    expect(new).to_be_focused()


def test_seeking_far_and_double_clicking_at_once_crashes_nothing(
    server: Stack, context: BrowserContext
) -> None:
    """As fast as a machine does it, all over an hour: a renderer has died of it."""
    db = Database(server.database_url)
    blobs = LocalFolder(server.folder / "data" / "recordings", min_free_bytes=0)
    hour = long_transcript.transcript(1.0, 12_000)
    job_id = long_transcript.finished_job(db, blobs, long_transcript.tone(RECORDED_S), hour)
    desk = Desk(server, db, job_id)
    page = desk.open(context)
    page.locator(".track:not(.plain)").wait_for()
    count = len(hour.sentences)
    opened = 0
    for turn in range(20):
        place = page.evaluate(
            """([n, time]) => {
              const audio = document.querySelector('#player audio');
              audio.play().catch(() => {});
              audio.currentTime = time;
              const text = document.querySelector(`#s${n} .text`);
              text.scrollIntoView({ block: 'center' });
              const { left, top } = text.getBoundingClientRect();
              return [left + 20, top + 12];
            }""",
            [turn * 197 % count, turn * 23 % RECORDED_S],
        )
        page.mouse.dblclick(*place)
        opened += field_of(page).count()
        if turn % 3:
            page.keyboard.press("Escape")
    assert opened >= 5  # following the sound moves the page under some of them
    db.dispose()
    assert desk.complaints == []
