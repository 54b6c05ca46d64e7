"""What is typed is kept, whatever comes before it is sent."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Error, expect

from tests.e2e.editing.desk import FIRST, Desk, edit, expect_text, field_of, status
from tests.support.browsers.hands import intercept
from tests.support.stack import wait_for


def test_what_cannot_be_sent_is_sent_once_the_line_is_back(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    context.set_offline(True)
    edit(page, 0, "离线。")
    field_of(page).press("Enter")
    expect(status(page)).to_contain_text("Not saved: no connection.")
    expect_text(page, 0, "离线。")
    assert desk.revisions() == [FIRST]
    context.set_offline(False)
    expect(status(page)).to_contain_text("Saved.")
    assert desk.revisions() == ["离线。", FIRST]


def test_whoever_was_signed_out_is_told_so_and_what_they_wrote_is_sent_later(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    refusal = {"error": {"code": "unauthorized", "message": "Not signed in"}}
    intercept(page, "**/sentences/0", lambda route: route.fulfill(status=401, json=refusal))
    edit(page, 0, "退出。")
    field_of(page).press("Control+Enter")
    expect(status(page)).to_contain_text("Not saved: you are signed out.")
    page.unroute("**/sentences/0")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as from another tab
    expect(status(page)).to_contain_text("Saved.")
    assert desk.revisions() == ["退出。", FIRST]

    # A network that wants somebody to sign in answers everything with a page of its own.
    intercept(page, "**/sentences/0", lambda route: route.fulfill(body="<h1>Welcome</h1>"))
    edit(page, 0, "登录。")
    field_of(page).press("Control+Enter")
    expect(status(page)).to_contain_text("Not saved: no connection.")
    page.unroute("**/sentences/0")
    status(page).get_by_role("button", name="Try now").click()
    expect(status(page)).to_contain_text("Saved.")
    assert desk.revisions() == ["登录。", "退出。", FIRST]


def test_what_was_not_sent_when_the_page_was_left_is_sent_at_the_next_visit(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    intercept(page, "**/sentences/0", lambda route: route.abort())
    edit(page, 0, "稍后。")
    field_of(page).press("Enter")
    expect(status(page)).to_contain_text("Not saved")
    page.close()
    again = desk.open(context)
    expect(status(again)).to_contain_text("Saved.")
    expect_text(again, 0, "稍后。")
    assert desk.revisions() == ["稍后。", FIRST]


def test_a_second_tab_leaves_what_the_first_has_not_sent(
    desk: Desk, context: BrowserContext
) -> None:
    page, other = desk.open(context), desk.open(context)
    intercept(page, "**/sentences/0", lambda route: route.abort())
    edit(page, 0, "还没有发出。")
    field_of(page).press("Control+Enter")
    expect(status(page)).to_contain_text("Not saved")
    edit(other, 1, "另一页。")
    field_of(other).press("Control+Enter")
    expect(status(other)).to_contain_text("Saved.")
    with pytest.raises(Error, match="crash"):
        page.goto("chrome://crash")
    again = desk.open(context)
    expect_text(again, 0, "还没有发出。")
    wait_for(lambda: desk.revisions() == ["还没有发出。", FIRST], what="the newest revision")


def test_a_draft_outlives_a_crash_and_is_offered(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context)
    edit(page, 0, "写到一半")
    with pytest.raises(Error, match="crash"):
        page.goto("chrome://crash")
    again = desk.open(context)
    expect_text(again, 0, FIRST)
    expect(status(again)).to_contain_text("was not finished")
    status(again).get_by_role("button", name="Continue").click()
    expect(field_of(again)).to_have_value("写到一半")
    assert desk.revisions() == [FIRST]


def test_leaving_the_field_saves_and_leaving_the_page_too(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    edit(page, 0, "离开。")
    page.get_by_role("heading", level=1).click()
    expect(status(page)).to_contain_text("Saved.")
    edit(page, 0, "关掉。")
    page.goto("about:blank")
    page = desk.open(context)
    expect_text(page, 0, "关掉。")
    expect(status(page)).not_to_contain_text("not finished")
    wait_for(lambda: desk.revisions() == ["关掉。", "离开。", FIRST], what="the newest revision")


def test_what_did_not_get_out_when_the_page_was_left_is_sent_when_it_is_opened_again(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    edit(page, 0, "没有发出。")
    page.evaluate("void (window.fetch = () => Promise.reject(new TypeError('gone')))")
    page.goto("about:blank")
    assert desk.revisions() == [FIRST]
    again = desk.open(context)
    expect_text(again, 0, "没有发出。")
    wait_for(lambda: desk.revisions() == ["没有发出。", FIRST], what="the newest revision")
