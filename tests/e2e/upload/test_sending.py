"""Sending recordings from the front page, over lines that break and pages that are left."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from shared import jobs
from shared.db import Database
from tests.chaos.machinery.faults import kill_group
from tests.e2e.upload.site import Site, choose, expect_done, pieces_of, sha256
from tests.support import factories
from tests.support.browsers.hands import intercept
from tests.support.browsers.storage import NEARLY_FULL
from tests.support.databases.sqlite import migrated_file
from tests.support.people import PASSWORD, an_admin
from tests.support.stack import Stack, running, wait_for
from tests.support.web import tus_client
from tests.support.web.cut_line import Line
from tests.support.web.proxies import start_plain_nginx
from tests.support.web.tus_client import MIB


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
    except ConnectionError:
        return False
    return True


def test_a_large_recording_is_sent_in_pieces_and_becomes_a_job(
    site: Site, context: BrowserContext, large: Path
) -> None:
    page = site.open(context)
    site.line.crawl()
    choose(page, large)
    row = page.locator("#uploads li")
    expect(row).to_contain_text("of 40 MB")
    expect(row).to_contain_text("a second")
    expect(row).to_contain_text("left")
    site.line.full_speed()
    expect_done(site, page, large)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('tus::'))") == []


def test_a_part_of_the_page_that_could_not_be_fetched_is_fetched_again(
    site: Site, context: BrowserContext, large: Path
) -> None:
    page = site.open(context)
    intercept(page, "**/tus.min.js*", lambda route: route.abort())
    choose(page, large)
    row = page.locator("#uploads li")
    expect(row).to_contain_text("The server cannot be reached.")
    page.unroute("**/tus.min.js*")
    row.get_by_role("button", name="Try again").click()
    expect_done(site, page, large)


@pytest.mark.both_browsers
def test_an_upload_goes_on_by_itself_after_its_line_was_cut(
    site: Site, context: BrowserContext, large: Path
) -> None:
    page = site.open(context)
    site.line.slow_down()
    choose(page, large)
    site.wait_for_a_piece()
    site.line.cut()
    expect(page.locator("#uploads li")).to_contain_text("The line broke")
    assert site.received() >= 16 * MIB
    went_on = pieces_of(page)
    site.line.mend()
    site.line.full_speed()
    expect_done(site, page, large)
    assert went_on and min(went_on) >= 16 * MIB, "the beginning was sent again"


def test_an_upload_goes_on_after_the_server_was_started_again(
    site: Site, context: BrowserContext, large: Path
) -> None:
    page = site.open(context)
    site.line.slow_down()
    choose(page, large)
    site.wait_for_a_piece()
    web = site.stack.services[-1]
    kill_group(web.pid)
    web.process.wait()
    expect(page.locator("#uploads li")).to_contain_text("The line broke")
    wait_for(lambda: not _listens(site.stack.port), what="the port to be free")
    site.stack.start_web()
    site.line.full_speed()
    expect_done(site, page, large)


def test_a_paused_upload_waits_and_goes_on_where_it_was(
    site: Site, context: BrowserContext, large: Path, tmp_path: Path
) -> None:
    small = tmp_path / "small.wav"
    small.write_bytes(b"x" * 1000)
    page = site.open(context)
    site.line.slow_down()
    choose(page, large)
    site.wait_for_a_piece()
    page.get_by_role("button", name="Pause: 讲座").click()
    expect(page.get_by_role("button", name="Go on: 讲座")).to_be_focused()
    row = page.locator("#uploads li").first
    expect(row).to_contain_text("Paused")
    choose(page, small)  # the line is free for others meanwhile
    expect(page.get_by_role("link", name="small", exact=True)).to_be_visible()
    assert site.received() >= 16 * MIB
    went_on = pieces_of(page)
    site.line.full_speed()
    page.get_by_role("button", name="Go on: 讲座").click()
    expect(page.locator("#uploads li")).to_have_count(0)
    assert sha256(large) in site.sha256s()
    assert went_on and min(went_on) >= 16 * MIB, "the beginning was sent again"


def test_what_one_tab_sends_another_does_not_offer(
    site: Site, context: BrowserContext, large: Path
) -> None:
    page = site.open(context)
    site.line.slow_down()
    choose(page, large)
    site.wait_for_a_piece()
    other = site.open(context)
    left = other.evaluate(
        """async () => {
          const { unfinishedUploads } = await import("/static/js/upload/tus.js");
          return (await unfinishedUploads(location.origin)).length;
        }"""
    )
    assert left == 0
    site.line.full_speed()
    expect_done(site, page, large)
    expect(other.locator("#uploads li")).to_have_count(0)


def test_a_file_that_was_changed_after_it_was_chosen_is_told_of(
    site: Site, context: BrowserContext, large: Path
) -> None:
    page = site.open(context)
    site.line.slow_down()
    choose(page, large)
    site.wait_for_a_piece()
    large.write_bytes(b"another recording")
    site.line.cut()
    row = page.locator("#uploads li")
    expect(row).to_contain_text("This file cannot be read any more")
    site.line.mend()
    site.line.full_speed()
    row.get_by_role("button", name="Dismiss").click()
    choose(page, large)
    expect_done(site, page, large)


def test_a_browser_without_room_sends_all_the_same(
    site: Site, context: BrowserContext, large: Path
) -> None:
    context.add_init_script(NEARLY_FULL)
    page = site.open(context)
    choose(page, large)
    expect_done(site, page, large)


def test_an_upload_is_offered_after_a_reload_and_goes_on_with_the_same_file(
    site: Site, context: BrowserContext, large: Path
) -> None:
    page = site.open(context)
    page.on("dialog", lambda dialog: dialog.accept())  # leave, although it sends
    site.line.slow_down()
    choose(page, large)
    site.wait_for_a_piece()
    page.reload()
    row = page.locator("#uploads li")
    expect(row).to_contain_text("Not finished: ")
    expect(row).to_contain_text("of 40 MB are here")
    assert site.received() >= 16 * MIB
    went_on = pieces_of(page)
    site.line.full_speed()
    choose(page, large)
    expect_done(site, page, large)
    assert went_on and min(went_on) >= 16 * MIB, "the beginning was sent again"
    page.reload()
    expect(page.locator(".job")).to_have_count(1)
    expect(page.locator("#uploads li")).to_have_count(0)


def test_what_was_whole_when_the_page_was_left_becomes_a_job_at_the_next_visit(
    site: Site, context: BrowserContext, large: Path
) -> None:
    page = site.open(context)
    page.on("dialog", lambda dialog: dialog.accept())
    intercept(page, "**/api/v1/jobs", lambda route: route.abort())
    choose(page, large)
    expect(page.locator("#uploads li")).to_contain_text("Trying again by itself")
    page.unroute("**/api/v1/jobs")
    page.reload()
    expect_done(site, page, large)


def test_an_upload_that_is_given_up_leaves_nothing_on_the_server(
    site: Site, context: BrowserContext, large: Path
) -> None:
    page = site.open(context)
    site.line.slow_down()
    choose(page, large)
    site.wait_for_a_piece()
    page.get_by_role("button", name="Cancel: 讲座").click()
    expect(page.locator("#uploads li")).to_have_count(0)
    site.line.full_speed()  # for what was on its way
    folder = site.stack.folder / "data" / "recordings" / "uploads"
    wait_for(lambda: not list(folder.iterdir()), what="the bytes to go")
    assert site.sha256s() == []


@pytest.mark.parametrize("limit", ["1m", "100k"])
def test_a_proxy_is_sent_as_much_at_once_as_it_takes_or_is_told_of(
    site: Site, context: BrowserContext, tmp_path: Path, limit: str
) -> None:
    """1 MB is what nginx takes by itself."""
    service, port = start_plain_nginx(tmp_path / "proxy", site.stack.port, limit)
    try:
        wait_for(lambda: _listens(port), what="nginx")
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        sound = tmp_path / "talk.wav"
        sound.write_bytes(tus_client.Recording(5 * MIB).all())
        choose(page, sound)
        if limit == "1m":
            expect_done(site, page, sound)
        else:
            row = page.locator("#uploads li.failed")
            expect(row).to_contain_text("A proxy in front of the server takes nothing of this size")
            expect(row.get_by_role("button", name="Try again")).to_be_visible()
    finally:
        kill_group(service.pid)


def test_whoever_signed_in_sends_with_their_cookie_and_is_told_when_it_ended(
    browser: Browser, large: Path, tmp_path: Path
) -> None:
    url = migrated_file(tmp_path / "longscribe.db")
    db = Database(url)
    anna = an_admin(db)
    env = {"LONGSCRIBE_MIN_FREE_BYTES": "0", "LONGSCRIBE_SIGN_IN": "required"}
    with running(Stack(tmp_path / "stack", url, env)) as stack:
        stack.start_web()
        site = Site(stack, db, Line(stack.port))
        context = browser.new_context(locale="en-GB")
        page = site.open(context)
        sign_in(page)
        kept = context.cookies()
        site.line.slow_down()
        choose(page, large)
        site.wait_for_a_piece()
        # The list asks on a clock of its own, and a page whose list is refused loads anew.
        intercept(page, "**/fragments/jobs*", lambda route: route.fulfill(status=304))
        context.clear_cookies()
        row = page.locator("#uploads li")
        expect(row).to_contain_text("Sign in")
        context.add_cookies(kept)  # type: ignore[arg-type]
        page.unroute("**/fragments/jobs*")
        site.line.full_speed()
        row.get_by_role("button", name="Try again").click()
        expect_done(site, page, large)
        assert [
            factories.row(db, view.job.id).owner_id
            for view in jobs.list_jobs(db, owner_id=anna.id).jobs
        ] == [anna.id]
        context.close()
        site.line.close()
    db.dispose()
    assert site.complaints == []


def sign_in(page: Page) -> None:
    page.get_by_label("Name").fill("Anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Choose recordings")).to_be_visible()
