"""Changes of several sentences are shown at once, and taken back if the server refuses them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from shared.transcripts.values import Sentence
from tests.e2e.editing.desk import Desk, expect_text, field_of, sentence, status
from tests.e2e.editing.test_by_keys import RIGHT, SPOKEN, desk  # noqa: F401 - a fixture
from tests.support.browsers.hands import intercept
from tests.support.stack import wait_for

CHANGES = "**/revisions"
ROWS = len(SPOKEN.sentences)
SPLIT: Sentence = SPOKEN.sentences[1]
AT = SPLIT.text.index(SPLIT.words[4].word)
FIRST, SECOND = SPLIT.text[:AT], SPLIT.text[AT:]


@dataclass
class Gate:
    """A server that answers no change of several sentences until it is let."""

    page: Page
    held: list[Route] = field(default_factory=list)

    def close(self) -> None:
        intercept(self.page, CHANGES, self._hold)

    def _hold(self, route: Route) -> None:
        self.held.append(route)

    def wait(self) -> Route:
        """Wait for the first request."""
        # Playwright hears of it while it is asked for something.
        wait_for(lambda: self.page.title() and self.held, what="a change on its way")
        return self.held[0]

    def open(self) -> None:
        self.page.unroute(CHANGES)
        for route in self.held:
            route.continue_()


@pytest.fixture
def page(desk: Desk, context: BrowserContext) -> Page:  # noqa: F811
    return desk.open(context)


def split(page: Page) -> None:
    """Open a sentence and split it, by keys."""
    words = page.wait_for_function("() => CSS.highlights.get('doubtful')?.size >= 4")
    assert words
    sentence(page, 1).locator(".at").focus()
    page.keyboard.press("Enter")
    field_of(page).evaluate("(field, at) => field.setSelectionRange(at, at)", AT)
    page.keyboard.press("Shift+Enter")
    expect(field_of(page)).to_have_value(SECOND)
    expect(field_of(page)).to_be_focused()


def expect_rows(page: Page, count: int) -> None:
    expect(page.locator("#sentences > li")).to_have_count(count)


def test_what_is_split_off_is_worked_on_before_the_server_answers(
    desk: Desk,  # noqa: F811
    page: Page,
) -> None:
    gate = Gate(page)
    gate.close()
    split(page)
    gate.wait()
    expect_text(page, 1, FIRST)
    expect_rows(page, ROWS + 1)
    assert desk.text(1) == SPLIT.text

    # Typed in, saved, come back to and moved, all of a sentence that the server has not heard of.
    page.keyboard.type(RIGHT)
    page.keyboard.press("Enter")
    expect(sentence(page, 2).locator("textarea")).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(field_of(page)).to_have_value(RIGHT + SECOND)
    page.keyboard.press("Alt+,")
    expect(status(page)).to_contain_text("From")
    page.keyboard.press("End")
    page.keyboard.type(RIGHT)

    gate.open()
    new = sentence(page, ROWS)
    expect(new.locator("textarea")).to_be_focused()
    expect(new.locator("textarea")).to_have_value(RIGHT + SECOND + RIGHT)
    wait_for(lambda: desk.text(ROWS) == RIGHT + SECOND, what="the new sentence as it was saved")
    assert desk.text(1) == FIRST
    page.keyboard.press("Control+Enter")
    wait_for(lambda: desk.text(ROWS) == RIGHT + SECOND + RIGHT, what="what was typed since")
    page.reload()
    expect_rows(page, ROWS + 1)
    expect_text(page, ROWS, RIGHT + SECOND + RIGHT)
    expect(status(page)).to_be_empty()


def test_what_is_split_off_is_replaced_in_once_the_server_has_it(
    desk: Desk,  # noqa: F811
    page: Page,
) -> None:
    gate = Gate(page)
    gate.close()
    split(page)
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.get_by_role("searchbox").fill(SECOND)
    page.get_by_label("Replace with").fill(RIGHT)
    page.keyboard.press("Control+Enter")
    gate.wait()
    gate.open()
    page.get_by_role("dialog").get_by_role("button", name="Replace in 1 place").click()
    expect(status(page)).to_contain_text("Replaced in 1 place")
    assert [desk.text(1), desk.text(ROWS)] == [FIRST, RIGHT]


def test_what_is_refused_is_taken_back_and_nothing_typed_is_lost(
    desk: Desk,  # noqa: F811
    page: Page,
) -> None:
    gate = Gate(page)
    gate.close()
    split(page)
    page.keyboard.type(RIGHT)
    error = {"error": {"code": "internal", "message": "Out of order."}}
    gate.wait().fulfill(status=500, json=error)
    expect(status(page)).to_contain_text("Out of order.")
    expect_rows(page, ROWS)
    expect(sentence(page, 1).locator("textarea")).to_be_focused()
    whole = FIRST + RIGHT + SECOND
    expect(field_of(page)).to_have_value(whole)
    assert desk.text(1) == SPLIT.text
    page.reload()  # kept in this browser, as a draft
    status(page).get_by_role("button", name="Continue").click()
    expect(field_of(page)).to_have_value(whole)
    page.keyboard.press("Control+Enter")
    expect(status(page)).to_contain_text("Saved.")
    assert desk.text(1) == whole


def test_what_others_changed_meanwhile_is_shown_in_its_place(
    desk: Desk,  # noqa: F811
    page: Page,
) -> None:
    gate = Gate(page)
    gate.close()
    split(page)
    gate.wait()
    desk.correct("别人的。", n=1)
    gate.open()
    expect(status(page)).to_contain_text("Somebody else changed the sentence")
    expect_rows(page, ROWS)
    expect(sentence(page, 1).locator("textarea")).to_have_value("别人的。")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")  # nothing was changed here
    expect_text(page, 1, "别人的。")
    assert desk.revisions(1) == ["别人的。", SPLIT.text]


def test_keys_that_wait_for_one_another_are_sent_as_one_and_undone_one_by_one(
    desk: Desk,  # noqa: F811
    page: Page,
) -> None:
    gate = Gate(page)
    gate.close()
    start = SPOKEN.sentences[1].start
    sentence(page, 1).locator(".at").focus()
    page.keyboard.press("Enter")
    for step in range(1, 6):
        page.keyboard.press("Alt+.")
        expect(sentence(page, 1)).to_have_attribute("data-start", f"{start + step / 10:g}")
    gate.wait()
    gate.open()
    wait_for(lambda: desk.start(1) == pytest.approx(start + 0.5), what="all five steps")
    assert len(desk.revisions(1)) == 3, "the first step, and the four that waited for it"
    for step in range(4, -1, -1):
        page.keyboard.press("Control+z")
        expect(sentence(page, 1)).to_have_attribute("data-start", f"{start + step / 10:g}")


def test_a_split_is_undone_and_done_again_before_the_server_answers(
    desk: Desk,  # noqa: F811
    page: Page,
) -> None:
    gate = Gate(page)
    gate.close()
    split(page)
    page.keyboard.press("Control+z")
    expect(status(page)).to_contain_text("Undone.")
    expect_rows(page, ROWS)
    expect_text(page, 1, SPLIT.text)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Shift+z")
    expect_rows(page, ROWS + 1)
    page.keyboard.press("Control+z")
    expect_rows(page, ROWS)
    gate.open()
    wait_for(lambda: len(desk.revisions(1)) >= 3, what="the split, and what undid it")
    wait_for(lambda: desk.text(1) == SPLIT.text, what="the whole sentence")
    page.reload()
    expect_rows(page, ROWS)
