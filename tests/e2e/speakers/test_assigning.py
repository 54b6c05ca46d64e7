"""Giving sentences to another speaker, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import (
    APIResponse,
    Browser,
    BrowserContext,
    Locator,
    Page,
    Route,
    expect,
)

from shared.states import JobStatus
from tests.e2e.problems import LOCALES, LOOKS, examined
from tests.e2e.speakers.meeting import Meeting, panel, person, said, sentence
from tests.support import factories
from tests.support.browsers.hands import intercept, write_over
from tests.support.stack import wait_for


def ask(page: Page, n: int) -> Locator:
    sentence(page, n).hover()
    sentence(page, n).get_by_role("button", name="Speaker").click()
    return page.get_by_role("dialog")


def save(page: Page, dialog: Locator) -> None:
    dialog.get_by_role("button", name="Save").click()
    expect(said(page)).to_contain_text("Saved.")


def test_a_sentence_is_given_to_another_and_to_nobody(
    meeting: Meeting, context: BrowserContext
) -> None:
    page = meeting.open(context)
    dialog = ask(page, 0)
    expect(dialog.get_by_label("说话人1")).to_be_checked()
    dialog.get_by_label("说话人3").check()
    save(page, dialog)
    expect(sentence(page, 0).locator(".speaker")).to_have_text("说话人3")
    expect(sentence(page, 0)).to_have_class("hue-3 mark-1")
    expect(sentence(page, 0).locator(".at")).to_be_focused()
    dialog = ask(page, 1)
    dialog.get_by_label("nobody in particular").check()
    save(page, dialog)
    expect(sentence(page, 1).locator(".speaker")).to_have_count(0)
    assert meeting.names()[:3] == ["说话人3", None, "说话人1"]
    page.reload()
    expect(sentence(page, 0)).to_have_class("hue-3 mark-1")

    # Somebody new keeps the name though the line breaks.
    panel(page).locator("button.name").first.wait_for()  # who speaks was asked for
    intercept(page, "**/speakers", lambda route: route.abort(), times=1)
    dialog = ask(page, 2)
    dialog.get_by_label("somebody new").check()
    dialog.get_by_label("Name of the new speaker").fill("王芳")
    dialog.get_by_role("button", name="Save").click()
    said(page).get_by_role("button", name="Try again").click()
    expect(sentence(page, 2).locator(".speaker")).to_have_text("王芳")


def test_a_digit_says_who(meeting: Meeting, context: BrowserContext) -> None:
    page = meeting.open(context)
    order = panel(page).locator(".people button.name").all_inner_texts()
    sentence(page, 0).locator(".at").focus()
    held: list[tuple[Route, APIResponse]] = []

    def of_before(route: Route) -> None:
        held.append((route, route.fetch()))

    # Who speaks is asked for again once sentences were split, and answered after an edit.
    intercept(page, "**/speakers", of_before, times=1)
    page.evaluate(
        "document.getElementById('sentences').dispatchEvent("
        "new CustomEvent('transcript:restructured', { detail: { n: [] } }))"
    )
    wait_for(lambda: page.title() and held, what="the question")
    for _ in range(3):  # held a little long, it is one change
        page.keyboard.down("2")
    page.keyboard.up("2")
    expect(sentence(page, 0).locator(".speaker")).to_have_text(order[1])
    expect(panel(page).locator(".changes summary")).to_have_text("1 change")
    [(route, answer)] = held
    with page.expect_response("**/speakers"):
        route.fulfill(response=answer)
    sentence(page, 0).locator("p.text").dblclick()
    page.keyboard.press("Alt+1")
    expect(sentence(page, 0).locator(".speaker")).to_have_text(
        panel(page).locator(".people button.name").first.inner_text()
    )
    expect(panel(page).locator(".changes summary")).to_have_text("2 changes")


def test_a_whole_turn_becomes_somebody_new_with_the_keyboard_alone(
    meeting: Meeting, context: BrowserContext
) -> None:
    page = meeting.open(context)
    sentence(page, 3).locator(".at").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Speaker")).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("说话人1")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(dialog.get_by_label("somebody new")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("王芳")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(dialog.get_by_label("This whole turn, 2 sentences")).to_be_checked()
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("Saved.")
    expect(person(page, 4)).to_contain_text("2 sentences")
    expect(person(page, 4)).to_contain_text("王芳")
    assert meeting.names()[2:4] == ["王芳", "王芳"]


def test_what_is_selected_is_given_together(meeting: Meeting, context: BrowserContext) -> None:
    page = meeting.open(context)
    page.evaluate(
        """() => {
          const text = (n) => document.querySelector(`#s${n} .text`).firstChild;
          getSelection().setBaseAndExtent(text(1), 1, text(4), 2);
        }"""
    )
    dialog = ask(page, 4)
    expect(dialog.get_by_label("The 4 selected sentences")).to_be_checked()
    dialog.get_by_label("说话人2").check()
    save(page, dialog)
    assert meeting.names() == ["说话人1", *["说话人2"] * 5]


@pytest.mark.both_browsers
def test_so_many_sentences_from_one_on(meeting: Meeting, context: BrowserContext) -> None:
    page = meeting.open(context)
    dialog = ask(page, 2)
    dialog.get_by_label("说话人3").check()
    write_over(dialog.get_by_label("How many sentences"), "3")
    save(page, dialog)
    assert meeting.names() == ["说话人1", "说话人2", *["说话人3"] * 3, "说话人2"]
    panel(page).get_by_role("button", name="Undo: 3 sentences are of speaker 3").first.click()
    expect(sentence(page, 2).locator(".speaker")).to_have_text("说话人1")


def test_a_closed_dialog_changes_nothing(meeting: Meeting, context: BrowserContext) -> None:
    page = meeting.open(context)
    dialog = ask(page, 0)
    dialog.get_by_label("说话人3").check()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(sentence(page, 0).locator(".at")).to_be_focused()
    assert meeting.names()[0] == "说话人1"


@pytest.mark.parametrize("locale", LOCALES)
def test_the_dialog_is_accessible_in_all_looks(
    meeting: Meeting, browser: Browser, locale: str
) -> None:
    with browser.new_context(locale=locale, reduced_motion="reduce") as context:
        page = meeting.open(context)
        sentence(page, 0).hover()
        page.locator(".sentence-tools button").nth(1).click()
        page.bring_to_front()
        found = dict(examined(page, LOOKS))
    assert {look: problems for look, problems in found.items() if problems} == {}


def test_who_speaks_is_named_by_hand_where_nobody_asked(
    meeting: Meeting, context: BrowserContext
) -> None:
    meeting.job_id = factories.a_job(meeting.db, JobStatus.COMPLETED)
    page = context.new_page()
    page.goto(f"{meeting.stack.url}/jobs/{meeting.job_id}")
    expect(panel(page)).to_be_hidden()
    sentence(page, 0).hover()
    expect(page.get_by_role("button", name="Edit")).to_be_visible()
    expect(page.get_by_role("button", name="Speaker", exact=True)).to_be_hidden()
    beside = page.get_by_role("link", name="Tell speakers apart…")
    in_page = "(link) => [link.getBoundingClientRect().x, link.getBoundingClientRect().y + scrollY]"
    place = beside.evaluate(in_page)
    page.get_by_role("button", name="Name who speaks").click()
    assert beside.evaluate(in_page) == place
    expect(panel(page)).to_contain_text("Nobody is named yet.")
    dialog = ask(page, 1)
    expect(dialog.get_by_label("somebody new")).to_be_checked()
    save(page, dialog)
    expect(person(page, 1)).to_contain_text("1 sentence")
    expect(panel(page).get_by_label("How many")).to_have_count(0)
    page.reload()
    expect(sentence(page, 1).locator(".speaker")).to_have_text("说话人1")
