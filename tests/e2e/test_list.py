"""The list of jobs in a real browser: updates, filters, search, actions on several jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.states import JobStatus, Stage
from tests.e2e.problems import problems_of
from tests.support import factories
from tests.support.services import Stack
from tests.support.web.web_site import serving

LIMIT_MS = 30_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with serving(tmp_path_factory.mktemp("list")) as stack:
        yield stack


@pytest.fixture
def db(server: Stack) -> Iterator[Database]:
    """The database; its jobs are deleted after the test."""
    database = Database(server.database_url)
    yield database
    for view in jobs.list_jobs(database, owner_id=LOCAL_OWNER, limit=200).jobs:
        if view.job.status in (JobStatus.PROCESSING, JobStatus.CANCELLING):
            factories.expire_lease(database, view.job.id)
            jobs.expire_leases(database, max_attempts=1)
        factories.delete(database, view.job.id)
    database.dispose()


@pytest.fixture
def page(server: Stack, hurried_context: BrowserContext) -> Iterator[Page]:
    hurried_context.set_default_timeout(LIMIT_MS)
    expect.set_options(timeout=LIMIT_MS)
    opened = hurried_context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    expect.set_options(timeout=5_000)
    assert complaints == []


def row(page: Page, name: str) -> Locator:
    return page.locator(".job").filter(has=page.get_by_role("link", name=name, exact=True))


def pick(page: Page, name: str) -> Locator:
    return page.get_by_role("checkbox", name=f"Select {name}", exact=True)


def more(page: Page, name: str) -> Locator:
    """Open the menu of a job."""
    menu = row(page, name).locator("details.more")
    menu.locator("summary").click()
    return menu


def names(page: Page) -> Locator:
    return page.locator(".job .name")


def address(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def ended(db: Database, *statuses: JobStatus) -> None:
    """Create a job in each state, named after it, and leave none waiting."""
    for status in statuses:
        factories.a_job(db, status, filename=f"{status}.wav")


def test_a_job_is_watched_from_its_place_in_line_to_its_transcript(
    server: Stack, db: Database, page: Page
) -> None:
    factories.learn(db, speed=10, filename="before.wav")
    factories.a_worker(db)
    factories.submit_lasting(db, 600, filename="first.wav")
    factories.submit_lasting(db, 1200, filename="second.wav")
    page.goto(server.url)
    page.evaluate("window.sameDocument = true")
    second = row(page, "second.wav")
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
    factories.submit(db, filename="here.wav")
    page.goto(server.url)
    pick(page, "here.wav").check()
    menu = more(page, "here.wav")
    cancel = menu.get_by_role("button", name="Cancel")
    cancel.focus()
    factories.submit(db, filename="newer.wav")
    expect(names(page)).to_have_text(["newer.wav", "here.wav"])
    expect(cancel).to_be_focused()
    expect(pick(page, "here.wav")).to_be_checked()
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
    expect(names(page)).to_have_text(["failed.wav"])
    assert address(page) == {"show": ["failed"]}
    assert page.evaluate("window.sameDocument")
    page.reload()
    expect(names(page)).to_have_text(["failed.wav"])
    page.go_back()
    expect(names(page)).to_have_count(3)

    filters.get_by_role("link", name="Failed").click()
    page.get_by_role("button", name="Try again failed.wav").click()
    expect(page.get_by_role("status").filter(has_text="“failed.wav” waits again.")).to_be_visible()
    expect(page.get_by_text("No job is in this state now.")).to_be_visible()
    page.get_by_role("link", name="Show all jobs").click()
    expect(row(page, "failed.wav")).to_contain_text("Waiting")


def test_what_was_said_is_found_and_leads_to_its_place(
    server: Stack, db: Database, page: Page
) -> None:
    ended(db, JobStatus.COMPLETED)
    factories.submit(db, filename="gpu budget.wav")
    page.goto(server.url)
    search = page.get_by_role("searchbox", name="Search in names and transcripts")
    search.press_sequentially("用GPU")
    expect(names(page)).to_have_text(["completed.wav"])
    expect(page.locator("mark")).to_have_text("用GPU")
    assert address(page) == {"q": ["用GPU"]}
    expect(search).to_be_focused()

    search.fill("gpu")
    expect(names(page)).to_have_text(["gpu budget.wav", "completed.wav"])
    page.reload()
    expect(search).to_have_value("gpu")
    page.locator(".found a").click()
    expect(page).to_have_url(re.compile(r"/jobs/[0-9a-f-]+#s1$"))
    expect(page.locator("#s1")).to_contain_text("GPU")

    page.go_back()
    search.fill("nobody said this")
    expect(page.get_by_text("Nothing matches “nobody said this”.")).to_be_visible()
    page.get_by_role("link", name="Show all jobs").click()
    expect(names(page)).to_have_count(2)
    expect(search).to_have_value("")


def test_a_range_is_selected_and_deleted_once_that_is_sure(
    server: Stack, db: Database, page: Page
) -> None:
    for n in range(5):
        jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=factories.submit(db, filename=f"{n}.wav"))
    page.goto(server.url)
    pick(page, "3.wav").click()
    pick(page, "1.wav").click(modifiers=["Shift"])
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
    expect(names(page)).to_have_text(["4.wav", "0.wav"])
    expect(page.get_by_role("form", name="Selected jobs")).to_be_hidden()


def test_what_came_of_it_is_told_for_each_that_was_selected(
    server: Stack, db: Database, page: Page
) -> None:
    for n in range(3):
        factories.submit(db, filename=f"{n}.wav")
    page.goto(server.url)
    for n in range(3):
        pick(page, f"{n}.wav").check()
    page.route("**/fragments/jobs*", lambda route: route.abort())  # the page hears of nothing
    factories.complete(db, factories.claim(db))
    page.get_by_role("button", name="Cancel 3").click()
    told = page.get_by_role("status").filter(has_text="cancelled")
    expect(told).to_have_text("2 cancelled, 1 had already ended.")

    page.unroute_all()
    for n in (1, 2):
        expect(row(page, f"{n}.wav")).to_contain_text("Cancelled")
        pick(page, f"{n}.wav").check()
    page.get_by_role("button", name="Try 2 again").click()
    expect(page.get_by_role("status").filter(has_text="2 waiting again.")).to_be_visible()
    expect(row(page, "1.wav")).to_contain_text("next in line")


def test_what_could_not_be_carried_out_stays_selected(
    server: Stack, db: Database, page: Page
) -> None:
    for n in range(2):
        factories.submit(db, filename=f"{n}.wav")
    page.goto(server.url)
    for n in range(2):
        pick(page, f"{n}.wav").check()
    page.route("**/jobs/selected", lambda route: route.abort())
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
        factories.submit(db, filename=f"take {n}.wav")
    factories.submit(db, filename="other.wav")
    page.goto(f"{server.url}/?q=take")
    expect(names(page)).to_have_count(25)
    page.get_by_role("link", name="Older jobs").click()
    expect(names(page)).to_have_text([f"take {n}.wav" for n in range(4, -1, -1)])
    assert set(address(page)) == {"q", "cursor"}
    pick(page, "take 0.wav").check()
    page.get_by_role("button", name="Select all in this list").click()
    expect(page.get_by_text("30 selected")).to_be_visible()
    page.get_by_role("button", name="Cancel 30").click()
    expect(page.get_by_role("status").filter(has_text="30 cancelled.")).to_be_visible()
    page.goto(f"{server.url}/?show=waiting")
    expect(names(page)).to_have_text(["other.wav"])


def test_one_job_is_cancelled_retried_and_deleted_from_its_menu(
    server: Stack, db: Database, page: Page
) -> None:
    factories.submit(db, filename="one.wav")
    page.goto(server.url)
    more(page, "one.wav").get_by_role("button", name="Cancel").click()
    expect(row(page, "one.wav")).to_contain_text("Cancelled")
    more(page, "one.wav").get_by_role("button", name="Try again").click()
    expect(row(page, "one.wav")).to_contain_text("next in line")
    factories.claim(db)
    expect(row(page, "one.wav")).to_contain_text("Reading the audio")
    more(page, "one.wav").get_by_role("button", name="Cancel").click()
    expect(row(page, "one.wav")).to_contain_text("Cancelling")
    [view] = jobs.list_jobs(db, owner_id=LOCAL_OWNER).jobs
    factories.expire_lease(db, view.job.id)
    jobs.expire_leases(db, max_attempts=3)
    expect(row(page, "one.wav")).to_contain_text("Cancelled")
    more(page, "one.wav").get_by_role("link", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    assert jobs.list_jobs(db, owner_id=LOCAL_OWNER).jobs == []


def test_a_server_that_falls_silent_is_told_with_the_time_of_what_is_shown(
    server: Stack, db: Database, page: Page
) -> None:
    factories.submit(db, filename="one.wav")
    page.goto(server.url)
    expect(names(page)).to_have_count(1)
    page.route("**/fragments/jobs*", lambda route: route.abort())
    note = page.get_by_text("The server cannot be reached.")
    expect(note).to_contain_text(re.compile(r"at \d\d:\d\d"))
    page.unroute_all()

    def fail(route: Route) -> None:
        route.fulfill(status=503, body="")

    page.route("**/fragments/jobs*", fail)
    expect(page.get_by_text("The server cannot answer just now.")).to_be_visible()
    page.unroute_all()
    expect(page.get_by_text("trying again")).to_have_count(0)


def test_an_unchanged_list_is_not_sent_again(server: Stack, db: Database, page: Page) -> None:
    ended(db, JobStatus.COMPLETED)
    with page.expect_response("**/fragments/jobs*") as first:
        page.goto(server.url)
    assert first.value.status == 304


def test_menus_dialogs_and_a_selection_are_accessible(
    server: Stack, db: Database, page: Page
) -> None:
    ended(db, JobStatus.FAILED, JobStatus.COMPLETED)
    factories.submit(db, filename="a.wav")
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
    factories.submit(db, filename="one.wav")
    page = context_without_js.new_page()
    page.goto(server.url)
    page.get_by_role("searchbox").fill("gpu")
    page.get_by_role("button", name="Search").click()
    expect(names(page)).to_have_text(["completed.wav"])
    page.goto(server.url)
    page.get_by_role("link", name=re.compile("^Failed")).click()
    expect(names(page)).to_have_text(["failed.wav"])

    more(page, "failed.wav").get_by_role("link", name="Delete").click()
    page.get_by_role("link", name="Keep it").click()
    page.goto(server.url)
    pick(page, "completed.wav").check()
    pick(page, "one.wav").check()
    selection = page.get_by_role("form", name="Selected jobs")
    selection.get_by_role("button", name="Cancel").click()
    expect(page.locator(".flash")).to_have_text("1 cancelled, 1 had already ended.")
    for name in ("completed.wav", "one.wav"):
        pick(page, name).check()
    selection.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete 2 jobs?")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".flash")).to_have_text("2 deleted.")
    expect(names(page)).to_have_text(["failed.wav"])
