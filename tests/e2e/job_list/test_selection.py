"""Actions on several jobs at once, and on a whole list, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from tests.e2e.job_list.rows import address, ended, names, pick, row
from tests.support import factories
from tests.support.browsers.hands import intercept
from tests.support.stack import Stack, wait_for


@pytest.mark.both_browsers
def test_a_range_is_selected_and_deleted_once_that_is_sure(
    server: Stack, db: Database, page: Page
) -> None:
    for n in range(5):
        jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=factories.submit(db, filename=f"{n}"))
    page.goto(server.url)
    pick(page, "3").click()
    pick(page, "1").click(modifiers=["Shift"])
    expect(page.get_by_text("3 selected")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel", exact=False)).to_have_count(0)

    page.get_by_role("button", name="Delete 3").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete 3 jobs?")
    expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(names(page)).to_have_count(5)

    page.get_by_role("button", name="Delete 3").click()
    dialog.get_by_role("button", name="Delete 3").click()
    expect(page.get_by_role("status").filter(has_text="3 deleted.")).to_be_visible()
    expect(names(page)).to_have_text(["4", "0"])
    expect(page.get_by_role("form", name="Selected jobs")).to_be_hidden()


def test_what_came_of_it_is_told_for_each_that_was_selected(
    server: Stack, db: Database, page: Page
) -> None:
    for n in range(3):
        factories.submit(db, filename=f"{n}")
    page.goto(server.url)
    for n in range(3):
        pick(page, f"{n}").check()
    intercept(page, "**/fragments/jobs*", lambda route: route.abort())  # the page hears of nothing
    factories.complete(db, factories.claim(db))
    page.get_by_role("button", name="Cancel 3").click()
    told = page.get_by_role("status").filter(has_text="cancelled")
    expect(told).to_have_text("2 cancelled, 1 had already ended.")

    page.unroute_all()
    for n in (1, 2):
        expect(row(page, f"{n}")).to_contain_text("Cancelled")
        pick(page, f"{n}").check()
    page.get_by_role("button", name="Try 2 again").click()
    expect(page.get_by_role("status").filter(has_text="2 waiting again.")).to_be_visible()
    expect(row(page, "1")).to_contain_text("next in line")


def test_what_could_not_be_carried_out_stays_selected(
    server: Stack, db: Database, page: Page
) -> None:
    for n in range(2):
        factories.submit(db, filename=f"{n}")
    page.goto(server.url)
    for n in range(2):
        pick(page, f"{n}").check()
    intercept(page, "**/jobs/selected", lambda route: route.abort())
    page.get_by_role("button", name="Cancel 2").click()
    expect(page.get_by_role("status").filter(has_text="cannot be reached")).to_be_visible()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Cancel 2").click()
    expect(page.get_by_role("status").filter(has_text="2 cancelled.")).to_be_visible()
    expect(page.get_by_role("form", name="Selected jobs")).to_be_hidden()


def test_all_in_the_list_are_selected_also_those_of_other_pages(
    server: Stack, db: Database, page: Page
) -> None:
    for n in range(30):
        factories.submit(db, filename=f"take {n}")
    factories.submit(db, filename="other")
    page.goto(f"{server.url}/?q=take")
    expect(names(page)).to_have_count(25)
    page.get_by_role("link", name="Older jobs").click()
    expect(names(page)).to_have_text([f"take {n}" for n in range(4, -1, -1)])
    assert set(address(page)) == {"q", "cursor"}
    pick(page, "take 0").check()
    page.get_by_role("button", name="Select all in this list").click()
    expect(page.get_by_text("30 selected")).to_be_visible()
    page.get_by_role("button", name="Cancel 30").click()
    expect(page.get_by_role("status").filter(has_text="30 cancelled.")).to_be_visible()
    page.goto(f"{server.url}/?show=waiting")
    expect(names(page)).to_have_text(["other"])


def test_a_whole_list_is_acted_on_but_for_what_is_left_out_or_comes_later(
    server: Stack, db: Database, page: Page
) -> None:
    ids = [factories.submit(db, filename=f"take {n}") for n in range(30)]
    page.goto(server.url)
    pick(page, "take 29").check()
    page.get_by_role("button", name="Select all in this list").click()
    expect(page.get_by_text("30 selected")).to_be_visible()
    pick(page, "take 28").uncheck()
    factories.submit(db, filename="later")
    expect(pick(page, "later")).not_to_be_checked()
    page.get_by_role("link", name="Older jobs").click()
    expect(pick(page, "take 0")).to_be_checked()
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=ids[3])
    page.get_by_role("button", name="Delete 29").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete 29 jobs?")
    dialog.get_by_role("button", name="Delete 29").click()
    told = page.get_by_role("status").filter(has_text="28 deleted")
    expect(told).to_have_text("28 deleted, 1 had changed meanwhile and were left alone.")
    expect(page.get_by_role("form", name="Selected jobs")).to_be_hidden()
    page.goto(server.url)
    expect(names(page)).to_have_text(["later", "take 28", "take 3"])


def test_a_whole_list_is_given_up_half_way_and_gone_on_with(
    server: Stack, db: Database, page: Page
) -> None:
    for n in range(3):
        factories.submit(db, filename=f"{n}")
    page.goto(server.url)
    pick(page, "0").check()
    page.get_by_role("button", name="Select all in this list").click()
    expect(page.get_by_text("3 selected")).to_be_visible()
    intercept(page, "**/jobs/selected/whole", lambda route: route.abort())
    page.get_by_role("button", name="Cancel 3").click()
    expect(page.get_by_role("status").filter(has_text="cannot be reached")).to_be_visible()
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.unroute_all()

    # Of two steps the second is held back until it is not wanted any more.
    steps = []

    def two_steps(route: Route) -> None:
        steps.append(route)
        answer = '{"outcomes": {"cancelled": 2}, "cursor": "0190"}'
        if len(steps) == 1:
            route.fulfill(content_type="application/json", body=answer)

    intercept(page, "**/jobs/selected/whole", two_steps)
    page.get_by_role("button", name="Cancel 3").click()
    expect(page.get_by_role("status").filter(has_text="2 of 3: 2 cancelled.")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    wait_for(lambda: page.evaluate("true") and len(steps) == 2, what="the second step")
    steps[1].fulfill(content_type="application/json", body='{"outcomes": {}, "cursor": "0190"}')
    expect(page.get_by_role("status").filter(has_text="Stopped: 2 cancelled.")).to_be_visible()
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.unroute_all()


def test_another_list_is_not_selected_with_the_one_before(
    server: Stack, db: Database, page: Page
) -> None:
    ended(db, JobStatus.FAILED, JobStatus.COMPLETED)
    page.goto(server.url)
    pick(page, "failed").check()
    page.get_by_role("button", name="Select all in this list").click()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("link", name="Failed 1").click()
    expect(names(page)).to_have_text(["failed"])
    expect(pick(page, "failed")).not_to_be_checked()
    expect(page.get_by_role("form", name="Selected jobs")).to_be_hidden()

    # Nor where the answer about it comes late.
    pick(page, "failed").check()
    held: list[Route] = []
    intercept(page, "**/fragments/jobs/whole?*", lambda route: held.append(route))
    page.get_by_role("button", name="Select all in this list").click()
    wait_for(lambda: page.title() and held, what="the question")
    page.get_by_role("link", name="Done 1").click()
    expect(names(page)).to_have_text(["completed"])
    with page.expect_response("**/fragments/jobs/whole?*"):
        held[0].continue_()
    expect(pick(page, "completed")).not_to_be_checked()
    pick(page, "completed").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
