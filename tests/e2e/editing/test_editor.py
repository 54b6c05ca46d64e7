"""Correcting a transcript in a real browser: the field, its keys and what they do."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, expect

from shared.transcripts.values import Version
from tests.e2e.editing.desk import (
    FIRST,
    SECOND,
    Desk,
    edit,
    expect_text,
    field_of,
    sentence,
    shown,
    status,
)


@pytest.mark.both_browsers
def test_enter_saves_and_the_page_shows_it_ever_after(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context)
    page.evaluate(
        "document.getElementById('sentences').addEventListener('transcript:changed',"
        " (event) => (window.changed = event.detail.n))"
    )
    edit(page, 0, "各位\n好。")
    expect(field_of(page)).to_have_value("各位 好。")
    field_of(page).press("Shift+Enter")
    expect(field_of(page)).to_have_value("各位 好。")
    field_of(page).press("Enter")
    expect(status(page)).to_contain_text("Saved.")
    expect(field_of(page)).to_have_value(SECOND)  # the next is open
    field_of(page).press("Enter")
    expect(field_of(page)).to_have_count(0)  # it was the last
    assert page.evaluate("window.changed") == 0

    page.reload()
    expect_text(page, 0, "各位 好。")
    expect_text(page, 1, SECOND)
    expect(page.get_by_role("button", name="1 corrected")).to_be_visible()
    assert desk.revisions() == ["各位 好。", FIRST]
    assert desk.text(0, Version.RECOGNISED) == FIRST

    address = f"{desk.stack.url}/api/v1/jobs/{desk.job_id}/transcript?format=txt"
    assert page.request.get(address).text().startswith("各位 好。")


def test_escape_and_no_change_leave_everything_as_it_was(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    edit(page, 0, "不要这个")
    field_of(page).press("Escape")
    expect_text(page, 0, FIRST)
    shown(page, 0).dblclick()
    field_of(page).press("Control+Enter")
    expect(field_of(page)).to_have_count(0)
    page.reload()
    expect_text(page, 0, FIRST)
    expect(status(page)).to_be_empty()
    assert desk.revisions() == [FIRST]


def test_a_sentence_is_edited_with_the_keyboard_alone(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context)
    sentence(page, 1).locator(".at").focus()
    page.keyboard.press("e")
    expect(field_of(page)).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("k j l / ?")  # what the player would hear
    page.keyboard.press("Enter")
    expect(status(page)).to_contain_text("Saved.")
    expect(sentence(page, 1).locator(".at")).to_be_focused()
    expect_text(page, 1, "k j l / ?")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Edit")).to_be_focused()
    page.keyboard.press("Enter")
    expect(field_of(page)).to_have_value("k j l / ?")


def test_enter_while_an_input_method_is_open_chooses_a_word(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    edit(page, 0, "zhong")
    field_of(page).evaluate(
        "(field) => field.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    expect(field_of(page)).to_be_visible()
    assert desk.revisions() == [FIRST]


def test_changes_are_undone_and_done_again_across_sentences(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    for n, text in ((0, "甲。"), (1, "乙。")):
        edit(page, n, text)
        field_of(page).press("Control+Enter")
        expect(status(page)).to_contain_text("Saved.")
    page.keyboard.press("Control+z")
    expect_text(page, 1, SECOND)
    expect(status(page)).to_contain_text("Undone.")
    expect(status(page).get_by_role("button", name="Redo")).to_be_visible()
    status(page).get_by_role("button", name="Undo").press("Enter")
    expect_text(page, 0, FIRST)
    expect(sentence(page, 0).locator(".at")).to_be_focused()  # the button is gone
    expect(page.get_by_role("button", name="corrected")).to_be_hidden()
    page.keyboard.press("Control+Shift+z")
    expect_text(page, 0, "甲。")
    expect(status(page)).to_contain_text("Saved.")
    page.reload()
    expect_text(page, 0, "甲。")
    expect_text(page, 1, SECOND)
    assert desk.revisions(0) == ["甲。", FIRST, "甲。", FIRST]


def test_an_empty_sentence_leaves_the_files_and_comes_back(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    edit(page, 0, "")
    field_of(page).press("Enter")
    expect(status(page)).to_contain_text("Saved.")
    expect(shown(page, 0)).to_have_attribute("title", "Removed")
    address = f"{desk.stack.url}/api/v1/jobs/{desk.job_id}/transcript?format=txt"
    assert len(page.request.get(address).text().strip().splitlines()) == 1
    page.reload()
    sentence(page, 0).hover()
    sentence(page, 0).get_by_role("button", name="Revisions").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Use this").click()
    expect_text(page, 0, FIRST)
    expect(status(page)).to_contain_text("Saved.")
    assert desk.text(0) == FIRST


def test_a_text_that_is_too_long_stays_in_its_field(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context)
    edit(page, 0, "长" * 2001)
    field_of(page).press("Enter")
    expect(page.get_by_text("This is too long for one sentence")).to_be_visible()
    expect(field_of(page)).to_have_count(1)
    field_of(page).fill("短。")
    field_of(page).press("Enter")
    expect(status(page)).to_contain_text("Saved.")
    assert desk.revisions() == ["短。", FIRST]


def test_only_the_corrected_sentences_can_be_shown(desk: Desk, context: BrowserContext) -> None:
    desk.correct("乙。", n=1)
    page = desk.open(context)
    page.get_by_role("button", name="1 corrected").click()
    expect(sentence(page, 0)).to_be_hidden()
    expect(sentence(page, 1)).to_be_visible()
    page.get_by_role("button", name="1 corrected").click()
    expect(sentence(page, 0)).to_be_visible()


def test_chinese_and_latin_are_set_apart_without_a_character_between(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    shown = page.locator("#sentences .text").nth(1)
    assert shown.text_content() == "用GPU吗？"
    apart, together = shown.evaluate(
        """(text) => {
          const range = document.createRange();
          range.selectNodeContents(text);
          const width = () => range.getBoundingClientRect().width;
          const apart = width();
          text.style.textAutospace = "no-autospace";
          return [apart, width()];
        }"""
    )
    assert apart > together


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("locale", "save"), [("en-GB", "Save"), ("zh-CN", "保存")])
def test_an_open_editor_is_accessible_in_both_languages(
    desk: Desk, browser: Browser, locale: str, save: str, theme: str
) -> None:
    with browser.new_context(
        locale=locale,
        color_scheme=theme,  # type: ignore[arg-type]
        viewport={"width": 390, "height": 800},
    ) as context:
        desk.correct("各位好。", n=1)
        page = desk.open(context)
        edit(page, 0, "各位好。")
        expect(page.get_by_role("button", name=save, exact=True)).to_be_visible()
        assert Axe().run(page).response["violations"] == []
        field_of(page).press("Enter")
        expect(status(page).get_by_role("button").first).to_be_visible()
        assert Axe().run(page).response["violations"] == []
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390


def test_a_keyboard_on_the_screen_leaves_the_open_sentence_in_sight(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("document.getElementById('sentences').style.marginTop = '30rem'")
    shown(page, 1).scroll_into_view_if_needed()
    shown(page, 1).dblclick()
    expect(field_of(page)).to_be_in_viewport()
    page.set_viewport_size({"width": 390, "height": 430})
    expect(field_of(page)).to_be_in_viewport(ratio=0.9)
