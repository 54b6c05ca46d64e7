"""The list of jobs in a real browser: updates, filters, search."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.states import JobStatus, Stage
from tests.e2e.job_list.rows import address, ended, more, names, pick, row
from tests.e2e.problems import problems_of
from tests.support import factories
from tests.support.browsers.hands import intercept
from tests.support.stack import Stack

LAST_ID = f"{'f' * 8}-ffff-7fff-bfff-{'f' * 12}"
"""Id as of a job after all that there are."""


@pytest.mark.both_browsers
def test_a_job_is_watched_from_its_place_in_line_to_its_transcript(
    server: Stack, db: Database, page: Page
) -> None:
    factories.learn(db, speed=10, filename="before")
    factories.a_worker(db)
    factories.submit_lasting(db, 600, filename="first")
    factories.submit_lasting(db, 1200, filename="second")
    page.goto(server.url)
    page.evaluate("window.sameDocument = true")
    second = row(page, "second")
    expect(second).to_contain_text("Waiting")
    expect(second).to_contain_text("number 2 in line")
    expect(second).to_contain_text("done in about 3 min")

    factories.complete(db, factories.claim(db))
    expect(second).to_contain_text("next in line")
    claimed = factories.claim(db)
    factories.recognise(db, claimed)
    jobs.set_stage(db, claimed, Stage.RECOGNISING, progress=0.5, duration_s=1200.0)
    expect(second).to_contain_text("Recognising speech")
    expect(second).to_contain_text("50%")
    expect(second).to_contain_text("10:00 of 20:00")
    expect(second).to_contain_text("× real time")
    expect(second.get_by_role("progressbar")).to_have_attribute("value", "0.5")

    jobs.finish(db, claimed, factories.TRANSCRIPT)
    expect(second).to_contain_text("Done")
    second.get_by_text("Download").click()
    with page.expect_download() as download:
        second.get_by_role("link", name="Subtitles (.srt)", exact=True).click()
    assert download.value.suggested_filename == "second.srt"
    assert page.evaluate("window.sameDocument")


def test_an_open_menu_and_a_selection_outlast_what_happens(
    server: Stack, db: Database, page: Page
) -> None:
    factories.submit(db, filename="here")
    page.goto(server.url)
    pick(page, "here").check()
    menu = more(page, "here")
    cancel = menu.get_by_role("button", name="Cancel")
    cancel.focus()
    factories.submit(db, filename="newer")
    expect(names(page)).to_have_text(["newer", "here"])
    expect(cancel).to_be_focused()
    expect(pick(page, "here")).to_be_checked()
    page.keyboard.press("Escape")
    expect(cancel).to_be_hidden()


def test_the_list_is_narrowed_down_to_a_state_and_its_address_says_so(
    server: Stack, db: Database, page: Page
) -> None:
    ended(db, JobStatus.FAILED, JobStatus.COMPLETED, JobStatus.CANCELLED)
    page.goto(server.url)
    filters = page.get_by_role("navigation", name="Jobs by state")
    expect(filters.get_by_role("link")).to_have_text(["All 3", "Done 1", "Failed 1", "Cancelled 1"])
    page.evaluate("window.sameDocument = true")
    filters.get_by_role("link", name="Failed").click()
    expect(names(page)).to_have_text(["failed"])
    assert address(page) == {"show": ["failed"]}
    assert page.evaluate("window.sameDocument")
    page.reload()
    expect(names(page)).to_have_text(["failed"])
    page.go_back()
    expect(names(page)).to_have_count(3)

    filters.get_by_role("link", name="Failed").click()
    # Not offered first, for the same file fails again.
    more(page, "failed").get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status").filter(has_text="“failed” waits again.")).to_be_visible()
    expect(page.get_by_text("No job is in this state now.")).to_be_visible()
    page.get_by_role("link", name="Show all jobs").click()
    expect(row(page, "failed")).to_contain_text("Waiting")


def test_what_was_said_is_found_and_leads_to_its_place(
    server: Stack, db: Database, page: Page
) -> None:
    ended(db, JobStatus.COMPLETED)
    factories.submit(db, filename="gpu budget")
    page.goto(server.url)
    search = page.get_by_role("searchbox", name="Search in names and transcripts")
    search.press_sequentially("用GPU")
    expect(names(page)).to_have_text(["completed"])
    expect(page.locator("mark")).to_have_text("用GPU")
    assert address(page) == {"q": ["用GPU"]}
    expect(search).to_be_focused()

    search.fill("gpu")
    expect(names(page)).to_have_text(["gpu budget", "completed"])
    page.reload()
    expect(search).to_have_value("gpu")
    page.locator(".found a").click()
    expect(page).to_have_url(re.compile(r"/jobs/[0-9a-f-]+\?find=gpu#s1$"))
    expect(page.locator("#s1")).to_contain_text("GPU")

    page.go_back()
    search.fill("nobody said this")
    expect(page.get_by_text("Nothing matches “nobody said this”.")).to_be_visible()
    page.get_by_role("link", name="Show all jobs").click()
    expect(names(page)).to_have_count(2)
    expect(search).to_have_value("")

    def end_early(route: Route) -> None:
        words = route.request.url.partition("?q=")[2]
        link = f"/?q={words}&amp;cursor={LAST_ID if words == 'budget' else 9999}"
        route.fulfill(body=f'<p data-key="none-yet" data-go-on="{link}"></p>')

    intercept(page, re.compile(r"/fragments/jobs\?q=(budget|gpu)$"), end_early, times=2)
    search.fill("budget")
    expect(names(page)).to_have_text(["gpu budget"])
    assert address(page) == {"q": ["budget"], "cursor": [LAST_ID]}

    search.fill("gpu")  # which is led to a place that the server knows nothing of
    told = page.get_by_text("The list goes on from that place no more; this is its beginning.")
    expect(told).to_be_visible()
    expect(names(page)).to_have_text(["gpu budget", "completed"])
    assert address(page) == {"q": ["gpu"]}
    expect(page.get_by_text("trying again")).to_have_count(0)


def test_a_search_goes_on_by_itself_while_it_is_looked_at_and_not_for_ever(
    server: Stack, db: Database, page: Page
) -> None:
    factories.submit(db, filename="budget")

    def end_early(route: Route) -> None:
        cursor = int(route.request.url.partition("&cursor=")[2] or 0)
        link = f"/?q=endless&amp;cursor={cursor + 1}"
        body = (
            f'<p data-key="none-yet" data-go-on="{link}"></p><a data-go href="{link}">Further</a>'
        )
        route.fulfill(body=body)

    page.goto(server.url)
    intercept(page, re.compile(r"/fragments/jobs\?q=endless"), end_early)
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.isHidden})")
    page.evaluate("window.isHidden = true")
    search = page.get_by_role("searchbox", name="Search in names and transcripts")
    search.fill("endless")
    further = page.get_by_role("link", name="Further")
    expect(further).to_be_visible()
    assert address(page) == {"q": ["endless"]}
    page.evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")
    # Between two of its steps it is always busy.
    expect(further).to_have_attribute("href", "/?q=endless&cursor=21")
    expect(page.locator("[data-live][aria-busy]")).to_have_count(0)
    assert address(page)["cursor"] == ["20"]
    further.click()
    expect(further).to_have_attribute("href", "/?q=endless&cursor=42")


def test_one_job_is_cancelled_retried_and_deleted_from_its_menu(
    server: Stack, db: Database, page: Page
) -> None:
    factories.submit(db, filename="one")
    page.goto(server.url)
    more(page, "one").get_by_role("button", name="Cancel").click()
    expect(row(page, "one")).to_contain_text("Cancelled")
    more(page, "one").get_by_role("button", name="Try again").click()
    expect(row(page, "one")).to_contain_text("next in line")
    factories.claim(db)
    expect(row(page, "one")).to_contain_text("Reading the audio")
    more(page, "one").get_by_role("button", name="Cancel").click()
    expect(row(page, "one")).to_contain_text("Cancelling")
    [view] = jobs.list_jobs(db, owner_id=LOCAL_OWNER).jobs
    factories.expire_lease(db, view.job.id)
    jobs.expire_leases(db, max_attempts=3)
    expect(row(page, "one")).to_contain_text("Cancelled")
    more(page, "one").get_by_role("link", name="Delete").click()
    page.get_by_role("dialog").press("Escape")
    expect(page.get_by_label("More for one")).to_be_focused()  # not lost with the menu
    more(page, "one").get_by_role("link", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    assert jobs.list_jobs(db, owner_id=LOCAL_OWNER).jobs == []


def test_a_server_that_falls_silent_is_told_with_the_time_of_what_is_shown(
    server: Stack, db: Database, page: Page
) -> None:
    factories.submit(db, filename="one")
    page.goto(server.url)
    expect(names(page)).to_have_count(1)
    intercept(page, "**/fragments/jobs*", lambda route: route.abort())
    note = page.get_by_text("The server cannot be reached.")
    expect(note).to_contain_text(re.compile(r"at \d\d:\d\d"))
    page.unroute_all()

    def fail(route: Route) -> None:
        route.fulfill(status=503, body="")

    intercept(page, "**/fragments/jobs*", fail)
    expect(page.get_by_text("The server cannot answer just now.")).to_be_visible()
    page.unroute_all()
    expect(page.get_by_text("trying again")).to_have_count(0)


def test_an_unchanged_list_is_not_sent_again(server: Stack, db: Database, page: Page) -> None:
    ended(db, JobStatus.COMPLETED)
    # The first is sent anew where a worker of an earlier test counts as gone meanwhile.
    with page.expect_response(lambda one: "/fragments/jobs" in one.url and one.status == 304):
        page.goto(server.url)


def test_menus_dialogs_and_a_selection_are_accessible(
    server: Stack, db: Database, page: Page
) -> None:
    ended(db, JobStatus.FAILED, JobStatus.COMPLETED)
    factories.submit(db, filename="a")
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(server.url)
    page.locator("details.menu summary").evaluate_all("all => all.forEach((one) => one.click())")
    for box in page.locator(".pick").all():
        box.check()
    assert problems_of(page, 390) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete 3").click()
    assert problems_of(page, 390) == []
    page.get_by_role("button", name="Keep").click()


def test_the_list_works_without_javascript(
    server: Stack, db: Database, context_without_js: BrowserContext
) -> None:
    ended(db, JobStatus.FAILED, JobStatus.COMPLETED)
    factories.submit(db, filename="one")
    page = context_without_js.new_page()
    page.goto(server.url)
    page.get_by_role("searchbox").fill("gpu")
    page.get_by_role("button", name="Search").click()
    expect(names(page)).to_have_text(["completed"])
    page.goto(server.url)
    page.get_by_role("link", name=re.compile("^Failed")).click()
    expect(names(page)).to_have_text(["failed"])

    more(page, "failed").get_by_role("link", name="Delete").click()
    page.get_by_role("link", name="Keep it").click()
    page.goto(server.url)
    pick(page, "completed").check()
    pick(page, "one").check()
    selection = page.get_by_role("form", name="Selected jobs")
    selection.get_by_role("button", name="Cancel").click()
    expect(page.locator(".flash")).to_have_text("1 cancelled, 1 had already ended.")
    for name in ("completed", "one"):
        pick(page, name).check()
    selection.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete 2 jobs?")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".flash")).to_have_text("2 deleted.")
    expect(names(page)).to_have_text(["failed"])
