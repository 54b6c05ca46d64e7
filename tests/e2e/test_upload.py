"""Sending recordings from the front page, over lines that break and pages that are left."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import delete, select

import migrations
from shared import jobs
from shared.db import Database
from shared.models import Job, Recording, Upload
from tests.chaos.machinery.faults import kill_group
from tests.e2e.problems import problems_of
from tests.support import factories
from tests.support.people import PASSWORD, an_admin
from tests.support.services import Stack, running, wait_for
from tests.support.web import tus_client
from tests.support.web.cut_line import Line
from tests.support.web.tus_client import MIB
from tests.support.web.web_site import serving

LARGE = 40 * MIB


@dataclass
class Site:
    stack: Stack
    db: Database
    line: Line
    complaints: list[str] = field(default_factory=list)

    def open(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.set_default_timeout(60_000)
        page.goto(f"http://127.0.0.1:{self.line.port}/")
        return page

    def sha256s(self) -> list[str]:
        with self.db.reading() as session:
            return list(session.scalars(select(Recording.sha256)).all())

    def received(self) -> int:
        """Bytes that some upload was told to be safe."""
        with self.db.reading() as session:
            return max(session.scalars(select(Upload.received_bytes)).all(), default=0)

    def wait_for_a_piece(self) -> None:
        wait_for(lambda: self.received() > 0, seconds=120, what="the first piece")


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """The bytes of these tests go to a disk that others may be busy with."""
    expect.set_options(timeout=60_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with serving(
        tmp_path_factory.mktemp("upload"), LONGSCRIBE_MAX_UPLOAD_BYTES=str(100 * MIB)
    ) as stack:
        yield stack


@pytest.fixture
def site(server: Stack) -> Iterator[Site]:
    """Without jobs and uploads, behind a line of its own."""
    db = Database(server.database_url)
    opened = Site(server, db, Line(server.port))
    yield opened
    opened.line.close()
    for view in jobs.list_jobs(db, owner_id="local", limit=100).jobs:
        jobs.delete(db, owner_id="local", job_id=view.job.id)
    with db.writing() as session:
        session.execute(delete(Upload))
    db.dispose()
    assert opened.complaints == []


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "讲座 lecture.wav"
    path.write_bytes(tus_client.Recording(LARGE, seed=11).all())
    return path


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionError:
        return False
    return True


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def choose(page: Page, *paths: Path) -> None:
    page.get_by_label("Choose recordings").set_input_files(list(paths))


def expect_done(site: Site, page: Page, path: Path) -> None:
    expect(page.locator("#uploads li")).to_have_count(0)
    expect(page.get_by_role("link", name=path.name, exact=True).first).to_be_visible()
    assert site.sha256s() == [sha256(path)]


def test_a_large_recording_is_sent_in_pieces_and_becomes_a_job(
    site: Site, context: BrowserContext, large: Path
) -> None:
    page = site.open(context)
    site.line.slow_down()
    choose(page, large)
    row = page.locator("#uploads li")
    expect(row).to_contain_text("of 40 MB")
    expect(row).to_contain_text("a second")
    expect(row).to_contain_text("left")
    site.line.full_speed()
    expect_done(site, page, large)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('tus::'))") == []


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
    site.line.passed = 0
    site.line.mend()
    site.line.full_speed()
    expect_done(site, page, large)
    assert site.line.passed < LARGE - 8 * MIB, "the beginning was sent again"


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
    row = page.locator("#uploads li").first
    expect(row).to_contain_text("Paused")
    choose(page, small)  # the line is free for others meanwhile
    expect(page.get_by_role("link", name="small.wav", exact=True)).to_be_visible()
    assert site.received() >= 16 * MIB
    site.line.passed = 0
    site.line.full_speed()
    page.get_by_role("button", name="Go on: 讲座").click()
    expect(page.locator("#uploads li")).to_have_count(0)
    assert sha256(large) in site.sha256s()
    assert site.line.passed < LARGE - 8 * MIB


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
    site.line.passed = 0
    site.line.full_speed()
    choose(page, large)
    expect_done(site, page, large)
    assert site.line.passed < LARGE - 8 * MIB
    page.reload()
    expect(page.locator(".job")).to_have_count(1)
    expect(page.locator("#uploads li")).to_have_count(0)


def test_what_was_whole_when_the_page_was_left_becomes_a_job_at_the_next_visit(
    site: Site, context: BrowserContext, large: Path
) -> None:
    page = site.open(context)
    page.on("dialog", lambda dialog: dialog.accept())
    page.route("**/api/v1/jobs", lambda route: route.abort())
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
    folder = site.stack.folder / "data" / "recordings" / "uploads"
    wait_for(lambda: not list(folder.iterdir()), what="the bytes to go")
    assert site.sha256s() == []


def test_the_same_file_chosen_twice_is_two_recordings(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    (tmp_path / "twice.wav").write_bytes(b"sound")
    page = site.open(context)
    choose(page, tmp_path / "twice.wav", tmp_path / "twice.wav")
    expect(page.locator(".job")).to_have_count(2)


def test_files_can_be_dropped_anywhere(site: Site, context: BrowserContext) -> None:
    page = site.open(context)
    dropped = page.evaluate_handle(
        """() => {
          const data = new DataTransfer();
          for (const name of ["one.wav", "two.mp3"]) data.items.add(new File(["sound"], name));
          return data;
        }"""
    )
    page.dispatch_event("footer", "dragover", {"dataTransfer": dropped})
    expect(page.locator("html")).to_have_class("dropping")
    page.dispatch_event("footer", "drop", {"dataTransfer": dropped})
    expect(page.locator("html")).not_to_have_class("dropping")
    expect(page.locator(".job")).to_have_count(2)


def test_what_is_no_recording_is_asked_about_before_it_is_sent(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    (tmp_path / "minutes.docx").write_bytes(b"text")
    (tmp_path / "empty.wav").touch()
    page = site.open(context)
    choose(page, tmp_path / "minutes.docx", tmp_path / "empty.wav")
    rows = page.locator("#uploads li")
    expect(rows.nth(0)).to_contain_text("does not look like a recording")
    expect(rows.nth(1)).to_contain_text("This file is empty")
    page.get_by_role("button", name="Dismiss: empty.wav").click()
    page.get_by_role("button", name="Send it all the same: minutes.docx").click()
    expect(page.get_by_role("link", name="minutes.docx", exact=True)).to_be_visible()


def test_what_is_not_urgent_goes_behind_the_others(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    (tmp_path / "later.wav").write_bytes(b"sound")
    page = site.open(context)
    page.get_by_text("Options").click()
    page.get_by_label("Not urgent").check()
    choose(page, tmp_path / "later.wav")
    expect(page.locator(".job")).to_have_count(1)
    with site.db.reading() as session:
        assert session.scalars(select(Job.priority)).all() == [-5]


def test_the_choice_of_tracks_and_channels_is_sent(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    (tmp_path / "call.wav").write_bytes(b"sound")
    page = site.open(context)
    page.get_by_text("Options").click()
    page.get_by_label("Sound tracks").select_option("only track 2")
    page.get_by_label("Channels of a track").select_option("each as a person of its own")
    choose(page, tmp_path / "call.wav")
    expect(page.locator(".job")).to_have_count(1)
    with site.db.reading() as session:
        assert session.scalars(select(Job.options)).all() == [{"tracks": 2, "channels": "each"}]


def test_a_recording_made_in_the_browser_is_listened_to_and_sent(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_label("Level of the microphone")).to_be_visible()
    expect(page.locator(".recorder .time")).to_have_text("0:02")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_role("button", name="Go on", exact=True).click()
    page.get_by_role("button", name="Stop").click()
    player = page.get_by_label("Your recording")
    expect(player).to_be_visible()
    wait_for(lambda: player.evaluate("player => player.readyState") >= 1, what="it to be playable")
    page.get_by_role("button", name="Transcribe it").click()
    expect(page.locator(".job")).to_have_count(1)
    with site.db.reading() as session:
        recording = session.scalars(select(Recording)).one()
    assert recording.filename.startswith("Recording 20")
    assert recording.filename.endswith(".webm")
    stored = site.stack.folder / "data" / "recordings" / recording.blob_key
    assert stored.read_bytes()[:4] == b"\x1a\x45\xdf\xa3", "no Matroska"


def test_a_notification_comes_when_the_job_is_done(
    site: Site, hurried_context: BrowserContext, tmp_path: Path
) -> None:
    (tmp_path / "short.wav").write_bytes(b"sound")
    hurried_context.grant_permissions(["notifications"])
    hurried_context.add_init_script(
        """window.shown = [];
        window.Notification = class {
          static permission = "default";
          static async requestPermission() { return (this.permission = "granted"); }
          constructor(title, options) { window.shown.push(`${title}: ${options.body}`); }
        };"""
    )
    page = site.open(hurried_context)
    assert page.evaluate("Notification.permission") == "default", "asked before it was ticked"
    page.get_by_text("Options").click()
    page.get_by_label("Tell me when it is done").check()
    choose(page, tmp_path / "short.wav")
    expect(page.locator(".job")).to_have_count(1)
    factories.complete(site.db, factories.claim(site.db))
    wait_for(lambda: page.evaluate("window.shown.length"), seconds=90, what="the notification")
    assert page.evaluate("window.shown") == ["short.wav: The transcript is ready."]


def test_whoever_signed_in_sends_with_their_cookie_and_is_told_when_it_ended(
    browser: Browser, large: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'longscribe.db'}"
    migrations.upgrade(url)
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
        page.route("**/fragments/jobs*", lambda route: route.fulfill(status=304))
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


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_an_upload_is_accessible_in_all_of_its_states(
    site: Site, browser: Browser, large: Path, tmp_path: Path, locale: str, theme: str, width: int
) -> None:
    (tmp_path / "minutes.docx").write_bytes(b"text")
    context = browser.new_context(
        locale=locale,
        color_scheme=theme,  # type: ignore[arg-type]
        viewport={"width": width, "height": 900},
        reduced_motion="reduce",
    )
    page = site.open(context)
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator(".options summary").click()
    site.line.slow_down()
    page.locator("#file").set_input_files([large, large, tmp_path / "minutes.docx"])
    site.wait_for_a_piece()
    page.locator("#uploads .sending button").first.click()
    expect(page.locator("#uploads .paused")).to_have_count(1)
    expect(page.locator("#uploads .failed")).to_have_count(1)
    page.locator("button.record").click()
    expect(page.locator(".recorder meter")).to_be_visible()
    assert problems_of(page, width) == []
    page.locator(".recorder button.primary").click()
    expect(page.locator(".recorder audio")).to_be_visible()
    assert problems_of(page, width) == []
    page.reload()
    expect(page.locator("#uploads .unfinished").first).to_be_visible()
    assert problems_of(page, width) == []
    context.close()


def test_it_speaks_chinese(site: Site, browser: Browser, large: Path) -> None:
    context = browser.new_context(locale="zh-CN")
    page = site.open(context)
    site.line.slow_down()
    page.get_by_label("选择录音").set_input_files(large)
    row = page.locator("#uploads li")
    expect(row).to_contain_text("每秒")
    expect(row).to_contain_text("还需")
    page.get_by_role("button", name="暂停").click()
    expect(row).to_contain_text("已暂停")
    page.get_by_role("button", name="取消").click()
    expect(row).to_have_count(0)
    context.close()
