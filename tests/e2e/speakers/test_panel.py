"""The panel of the speakers in a real browser: names, merging, the number, undo, one alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import APIResponse, Browser, BrowserContext, Page, Route, expect

from shared.models import LOCAL_OWNER, GroupVoices, KeptVoice
from shared.speakers.edits import EditKind
from shared.speakers.kept.voice_keeping import switch_on
from tests.e2e.problems import LOCALES, LOOKS, examined, problems_of
from tests.e2e.speakers.meeting import (
    Meeting,
    panel,
    person,
    said,
    sentence,
)
from tests.support.browsers.hands import intercept
from tests.support.factories import count
from tests.support.speech.meeting import a_voice, in_turn
from tests.support.stack import wait_for


def rename(page: Page, number: int, name: str) -> None:
    person(page, number).locator("button.name").click()
    page.keyboard.insert_text(name)
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("Saved.")


def test_the_panel_says_who_speaks_how_much(meeting: Meeting, context: BrowserContext) -> None:
    page = meeting.open(context)
    expect(panel(page).get_by_role("heading")).to_have_text("3 speakers")
    first = person(page, 1)
    expect(first).to_contain_text("说话人1")
    expect(first).to_contain_text("50%")
    expect(first).to_contain_text("0:12")
    expect(first).to_contain_text("3 sentences")
    names = page.locator("#sentences .speaker")
    assert names.all_text_contents() == ["说话人1", "说话人2", "说话人1", "说话人3", "说话人2"]


def test_without_scripts_the_panel_and_the_colours_are_there(
    meeting: Meeting, context_without_js: BrowserContext
) -> None:
    page = context_without_js.new_page()
    page.goto(f"{meeting.stack.url}/jobs/{meeting.job_id}")
    expect(person(page, 2)).to_contain_text("说话人2")
    expect(person(page, 2)).to_contain_text("2 sentences")
    expect(panel(page).get_by_role("button")).to_have_count(0)
    assert sentence(page, 1).get_attribute("class") == "hue-2 mark-1"


def test_on_a_phone_the_panel_opens_when_it_is_wanted_and_stays_so(
    meeting: Meeting, browser: Browser
) -> None:
    with browser.new_context(locale="en-GB", viewport={"width": 390, "height": 800}) as context:
        page = meeting.open(context)
        expect(person(page, 1)).to_be_hidden()
        panel(page).get_by_role("heading").click()
        expect(person(page, 1)).to_be_visible()
        page.reload()
        expect(person(page, 1).locator("button.name")).to_be_visible()


@pytest.mark.chromium("Playwright asks Firefox for no other medium than the screen")
def test_on_paper_the_names_and_the_talk_time_remain(
    meeting: Meeting, context: BrowserContext
) -> None:
    page = meeting.open(context)
    page.emulate_media(media="print")
    expect(person(page, 1)).to_contain_text("0:12")
    expect(person(page, 1).locator(".name")).to_be_visible()
    expect(sentence(page, 1).locator(".speaker")).to_be_visible()
    for gone in (".doing button", ".menu summary", ".below"):
        expect(panel(page).locator(gone).first).to_be_hidden()


def test_a_name_is_written_in_place_with_the_keyboard_alone(
    meeting: Meeting, context: BrowserContext
) -> None:
    page = meeting.open(context)
    name = person(page, 1).locator("button.name")
    name.focus()
    name.press("Enter")
    field = page.get_by_label("Name of 说话人1")
    expect(field).to_be_focused()
    page.keyboard.insert_text("王敏 k j l")
    page.keyboard.press("Escape")
    expect(name).to_be_focused()
    expect(name).to_have_text("说话人1")
    name.press("Enter")
    page.keyboard.insert_text(" 王敏 ")
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("Saved.")
    expect(name).to_be_focused()
    expect(name).to_have_text("王敏")
    expect(sentence(page, 2).locator(".speaker")).to_have_text("王敏")
    assert meeting.names()[:3] == ["王敏", "说话人2", "王敏"]

    name.press("Enter")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    expect(name).to_have_text("说话人1")


def test_names_are_written_one_after_the_other_however_slow_the_line(
    meeting: Meeting, context: BrowserContext
) -> None:
    page = meeting.open(context)
    held: list[Route] = []
    intercept(page, "**/speakers", lambda route: held.append(route), times=1)
    for number, name in ((1, "王敏"), (2, "老张"), (3, "Anna")):
        person(page, number).locator("button.name").click()
        page.keyboard.insert_text(name)
    expect(said(page)).to_contain_text("Saving")
    wait_for(lambda: page.evaluate("true") and held, what="the first request")
    held[0].continue_()
    expect(person(page, 2)).to_contain_text("老张")
    expect(page.get_by_label("Name of 说话人3")).to_have_value("Anna")
    page.keyboard.insert_text(" Li")
    page.keyboard.press("Enter")
    expect(person(page, 3)).to_contain_text("Anna Li")
    assert meeting.names()[:5] == ["王敏", "老张", "王敏", "王敏", "Anna Li"]


def test_two_of_one_name_are_offered_as_one_person(
    meeting: Meeting, context: BrowserContext
) -> None:
    page = meeting.open(context)
    rename(page, 1, "王敏")
    person(page, 3).locator("button.name").click()
    page.keyboard.insert_text("王敏")
    page.keyboard.press("Enter")
    said(page).get_by_role("button", name="They are one person").click()
    expect(person(page, 3)).to_have_count(0)
    expect(person(page, 1).locator("button.name")).to_be_focused()
    assert meeting.names() == ["王敏", "说话人2", "王敏", "王敏", "王敏", "说话人2"]


def test_a_speaker_is_merged_and_parted_again(meeting: Meeting, context: BrowserContext) -> None:
    page = meeting.open(context)
    person(page, 3).get_by_label("Merge 说话人3 with").click()
    person(page, 3).get_by_role("button", name="说话人2").click()
    expect(panel(page).get_by_role("heading")).to_have_text("2 speakers")
    expect(sentence(page, 4)).to_have_class("hue-2 mark-1")
    expect(sentence(page, 5).locator(".speaker")).to_have_count(0)
    assert meeting.names()[4] == "说话人2"
    undo = panel(page).get_by_role("button", name="Undo: speaker 3 is one with speaker 2").first
    undo.dblclick()
    expect(panel(page).get_by_role("heading")).to_have_text("3 speakers")
    expect(said(page)).to_have_text("Saved.")
    assert meeting.names()[4] == "说话人3"


def test_a_speaker_who_is_two_people_is_split(meeting: Meeting, context: BrowserContext) -> None:
    meeting.edit(EditKind.MERGE, speaker=3, into=1)
    page = meeting.open(context)
    expect(panel(page).get_by_role("heading")).to_have_text("2 speakers")
    person(page, 1).get_by_role("button", name="说话人1 is two people").click()
    expect(panel(page).get_by_role("heading")).to_have_text("3 speakers")
    expect(person(page, 1).locator("button.name")).to_be_focused()
    assert meeting.names()[4] == "说话人4"
    person(page, 1).get_by_role("button", name="说话人1 is two people").click()
    expect(said(page)).to_contain_text("only one voice is heard")
    label = "Undo: speaker 1 is two people, the other speaker 4"
    panel(page).get_by_role("button", name=label).first.click()
    expect(panel(page).get_by_role("heading")).to_have_text("2 speakers")


def test_another_number_of_speakers_keeps_the_names(
    meeting: Meeting, context: BrowserContext
) -> None:
    page = meeting.open(context)
    rename(page, 2, "老张")
    panel(page).get_by_label("How many").select_option("2 speakers")
    panel(page).get_by_role("button", name="Tell apart again").click()
    expect(panel(page).get_by_role("heading")).to_have_text("2 speakers")
    expect(person(page, 2)).to_contain_text("老张")
    expect(panel(page).get_by_label("How many")).to_have_value("2")
    assert meeting.names()[1] == "老张"


def test_any_change_can_be_undone_from_the_history(
    meeting: Meeting, context: BrowserContext
) -> None:
    page = meeting.open(context)
    rename(page, 1, "王敏")
    rename(page, 2, "老张")
    changes = panel(page).locator(".changes")
    changes.get_by_text("2 changes").click()
    changes.get_by_role("button", name="Undo: speaker 1 is called 王敏").click()
    expect(person(page, 1)).to_contain_text("说话人1")
    expect(person(page, 2)).to_contain_text("老张")
    expect(changes.locator(".undone")).to_contain_text("王敏")
    changes.get_by_role("button", name="Redo: change 1 undone").click()
    expect(person(page, 1)).to_contain_text("王敏")
    assert meeting.names()[:2] == ["王敏", "老张"]


def test_what_somebody_else_changed_meanwhile_is_shown(
    meeting: Meeting, context: BrowserContext
) -> None:
    page = meeting.open(context)
    meeting.edit(EditKind.RENAME, speaker=1, name="李雷")
    person(page, 1).locator("button.name").click()
    page.keyboard.insert_text("王敏")
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("Somebody else changed the speakers meanwhile.")
    expect(person(page, 1)).to_contain_text("李雷")
    expect(sentence(page, 0).locator(".speaker")).to_have_text("李雷")
    rename(page, 1, "王敏")
    assert meeting.names()[0] == "王敏"


def test_a_change_that_does_not_arrive_is_offered_again(
    meeting: Meeting, context: BrowserContext
) -> None:
    page = meeting.open(context)
    context.set_offline(True)
    person(page, 1).locator("button.name").click()
    page.keyboard.insert_text("王敏")
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("The server cannot be reached.")
    context.set_offline(False)
    said(page).get_by_role("button", name="Try again").click()
    expect(said(page)).to_contain_text("Saved.")
    assert meeting.names()[0] == "王敏"


def test_one_speaker_alone_and_all_again(meeting: Meeting, context: BrowserContext) -> None:
    page = meeting.open(context)
    only = person(page, 2).get_by_role("button", name="Only")
    only.click()
    expect(only).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#sentences > li:visible")).to_have_count(2)
    expect(page.locator(".only-one")).to_contain_text("说话人2")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("#sentences > li:visible")).to_have_count(6)
    expect(only).to_be_focused()
    only.click()
    person(page, 3).get_by_role("button", name="Next turn").click()
    expect(sentence(page, 4)).to_be_in_viewport()
    expect(page.locator(".only-one")).to_be_hidden()


def test_from_turn_to_turn_of_a_speaker(meeting: Meeting, context: BrowserContext) -> None:
    page = meeting.open(context)
    begin = person(page, 2).get_by_role("button", name="Next turn")
    begin.click()
    strip = page.get_by_role("group", name="Turns of 说话人2")
    expect(strip).to_contain_text("1 of 2")
    page.keyboard.press("Enter")  # the button has the focus
    expect(strip).to_contain_text("2 of 2")
    expect(sentence(page, 5)).to_be_in_viewport()
    strip.get_by_role("button", name="Turn before").click()
    expect(sentence(page, 1)).to_have_class("hue-2 mark-1 here")
    page.keyboard.press("Escape")
    expect(strip).to_have_count(0)
    expect(begin).to_be_focused()


def test_a_kept_voice_is_suggested_in_another_recording(
    meeting: Meeting, context: BrowserContext
) -> None:
    switch_on(meeting.db, LOCAL_OWNER)
    li, wang = a_voice(1), a_voice(2)
    meeting.job_id = in_turn(meeting.db, [1, 2] * 3, sounding=[li, wang])
    late: list[tuple[Route, APIResponse]] = []
    context.route("**/suggestions", lambda route: late.append((route, route.fetch())), times=1)
    page = meeting.open(context)
    rename(page, 1, "李伟")
    rename(page, 2, "王敏")
    expect(person(page, 2)).to_contain_text("Keep this voice")
    # What was asked before anybody had a name is answered now.
    wait_for(lambda: page.evaluate("true") and late, what="the first answer")
    [(route, of_before)] = late
    with page.expect_response("**/suggestions"):
        route.fulfill(response=of_before)
    for number, name in ((1, "李伟"), (2, "王敏")):
        person(page, number).get_by_role("button", name=f"Keep the voice of {name}").click()
        expect(person(page, number)).to_contain_text("This voice is kept.")
    meeting.job_id = in_turn(meeting.db, [1, 2] * 3, sounding=[wang, a_voice(1, unlike=40)])
    page = meeting.open(context)
    expect(person(page, 2)).to_contain_text("Perhaps 李伟, likeness 0.93")
    person(page, 1).get_by_role("button", name="No, this is not 王敏").click()
    expect(person(page, 1).locator(".voice")).to_have_count(0)
    assert problems_of(page, 1280) == []
    person(page, 2).get_by_role("button", name="Yes, this is 李伟").click()
    expect(person(page, 2).locator("button.name")).to_have_text("李伟")
    expect(person(page, 2)).to_contain_text("This voice is kept.")
    assert meeting.names() == ["说话人1", "李伟"] * 3
    panel(page).get_by_role("button", name="Undo: speaker 2 is called 李伟").first.click()
    expect(person(page, 2)).to_contain_text("Perhaps 李伟")
    page.goto(f"{meeting.stack.url}/voices")
    page.get_by_role("button", name="Switch off").click()
    page.get_by_role("button", name="Switch off and delete").click()
    expect(page.get_by_role("status")).to_contain_text("all that was kept of them is deleted")
    assert [count(meeting.db, table) for table in (KeptVoice, GroupVoices)] == [0, 0]


@pytest.mark.parametrize("locale", LOCALES)
def test_fifteen_speakers_are_accessible_in_all_looks(
    meeting: Meeting, browser: Browser, locale: str
) -> None:
    meeting.job_id = in_turn(meeting.db, [*range(1, 16), 3, 9, 9, 1])
    meeting.edit(EditKind.RENAME, speaker=9, name="Alexandra Papadopoulou-Fitzgerald")
    with browser.new_context(locale=locale, reduced_motion="reduce") as context:
        page = meeting.open(context)
        page.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
        panel(page).locator(".doing button").nth(1).click()
        panel(page).locator(".doing button").nth(0).click()
        page.bring_to_front()
        found = dict(examined(page, LOOKS))
    assert {look: problems for look, problems in found.items() if problems} == {}
