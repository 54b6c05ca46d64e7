"""What others corrected meanwhile, and what a sentence was before."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Route, expect

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
from tests.support.browsers.hands import intercept
from tests.support.stack import wait_for


def test_the_history_shows_all_that_a_sentence_was(desk: Desk, context: BrowserContext) -> None:
    desk.correct("甲。")
    desk.correct("乙。", revision=1)
    page = desk.open(context)
    sentence(page, 0).hover()
    sentence(page, 0).get_by_role("button", name="Revisions").dblclick()
    entries = page.get_by_role("dialog").locator("li")
    expect(entries).to_have_count(3)
    page.keyboard.press("Enter")  # meant for what was there before, and chooses nothing
    expect(entries.nth(0)).to_contain_text("乙。")
    expect(entries.nth(0)).to_contain_text("as it is now")
    expect(entries.nth(2)).to_contain_text("Recognised")
    expect(entries.nth(2)).to_contain_text(FIRST)
    assert Axe().run(page).response["violations"] == []
    entries.nth(1).get_by_role("button", name="Use this").click()
    expect_text(page, 0, "甲。")
    expect(status(page)).to_contain_text("Saved.")
    assert desk.revisions() == ["甲。", "乙。", "甲。", FIRST]
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_two_editors_are_told_of_each_other_and_choose(desk: Desk, browser: Browser) -> None:
    with browser.new_context(locale="en-GB") as one, browser.new_context(locale="en-GB") as other:
        mine, theirs = desk.open(one), desk.open(other)
        shown(mine, 1).dblclick()
        edit(theirs, 1, "用CPU吗？")
        field_of(theirs).press("Enter")
        expect(status(theirs)).to_contain_text("Saved.")

        field_of(mine).fill("都用GPU吗？")
        field_of(mine).press("Enter")
        dialog = mine.get_by_role("dialog")
        expect(dialog).to_contain_text("Somebody else corrected this sentence meanwhile")
        mine.keyboard.press("Enter")  # of somebody who goes on writing, and chooses nothing
        expect(dialog.locator("mark")).to_have_text(["CPU", "都"])
        expect(dialog.get_by_label("Both together")).to_have_value("都用CPU吗？")
        assert Axe().run(mine).response["violations"] == []
        assert desk.text(1) == "用CPU吗？"
        dialog.get_by_role("button", name="Save this text").click()
        expect(status(mine)).to_contain_text("Saved.")
        assert desk.revisions(1) == ["都用CPU吗？", "用CPU吗？", SECOND]

        shown(theirs, 1).dblclick()
        expect(field_of(theirs)).to_have_value("都用CPU吗？")
        desk.correct("都用TPU吗？", n=1, revision=2)
        field_of(theirs).fill("不用")
        field_of(theirs).press("Enter")
        theirs.get_by_role("dialog").get_by_role("button", name="Keep theirs").click()
        expect(status(theirs)).to_contain_text("Saved.")
        assert desk.text(1) == "都用TPU吗？"
        expect(shown(theirs, 1)).to_contain_text("TPU")


def test_a_choice_put_off_keeps_the_text(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context)
    shown(page, 0).dblclick()
    field_of(page).fill("我的。")
    desk.correct("别人的。")
    field_of(page).press("Enter")
    page.get_by_role("dialog").press("Escape")
    expect(status(page)).to_contain_text("is not saved. It is kept here.")
    expect_text(page, 0, "别人的。")
    page.reload()
    expect_text(page, 0, "别人的。")
    status(page).get_by_role("button", name="Continue").click()
    expect(field_of(page)).to_have_value("我的。")
    field_of(page).press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Use yours").click()
    expect(status(page)).to_contain_text("Saved.")
    assert desk.revisions() == ["我的。", "别人的。", FIRST]

    # Refused while the sentence is open again, and told of once it is left.
    held: list[Route] = []
    edit(page, 0, "我改的。")
    desk.correct("别人改的。", revision=2)
    intercept(
        page,
        "**/sentences/0",
        lambda route: held.append(route) if route.request.method == "PUT" else route.continue_(),
    )
    page.keyboard.press("Control+Enter")
    wait_for(lambda: page.title() and held, what="the correction on its way")
    shown(page, 0).dblclick()
    field_of(page).fill("我又")
    page.unroute("**/sentences/0")
    held[0].continue_()
    expect(status(page)).to_be_empty()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").get_by_role("button", name="Use yours").click()
    expect(status(page)).to_contain_text("Saved.")
    assert desk.text(0) == "我改的。"


def test_an_editor_begins_from_what_others_saved_since(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context)
    desk.correct("别人的。")
    shown(page, 0).dblclick()
    expect(field_of(page)).to_have_value("别人的。")
    field_of(page).fill("别人的，我的。")
    field_of(page).press("Enter")
    expect(status(page)).to_contain_text("Saved.")
    assert desk.revisions() == ["别人的，我的。", "别人的。", FIRST]
