"""Choosing, dropping and recording what is sent, and how it is told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect
from sqlalchemy import select

from shared.models import Job, Recording
from tests.e2e.problems import LOOKS_OF_LOCALES, Look, examined, new_context
from tests.e2e.upload.site import Site, choose
from tests.support import factories
from tests.support.stack import wait_for


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
    expect(page.locator("html")).to_contain_class("dropping")
    page.dispatch_event("footer", "drop", {"dataTransfer": dropped})
    expect(page.locator("html")).not_to_contain_class("dropping")
    expect(page.locator(".job")).to_have_count(2)


@pytest.mark.chromium("Firefox takes no command that drops files of the disk")
def test_of_a_folder_the_recordings_are_taken(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    recordings = ("会议/周一.wav", "会议/更早/周五.mp3")
    others = ("会议/纪要.docx", "会议/.周一.wav", "空的/说明.txt")
    for name in (*recordings, *others):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"sound")
    page = site.open(context)
    hand = context.new_cdp_session(page)
    files = [str(tmp_path / "会议"), str(tmp_path / "空的")]
    for step in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": files, "dragOperationsMask": 1}
        hand.send("Input.dispatchDragEvent", {"type": step, "x": 200, "y": 200, "data": data})
    for title in ("周一", "周五"):
        expect(page.get_by_role("link", name=title, exact=True)).to_be_visible()
    rows = page.locator("#uploads li")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("No recording was found in this folder.")
    page.get_by_role("button", name="Dismiss: 空的").click()
    expect(rows).to_have_count(0)
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
    expect(page.get_by_role("link", name="minutes", exact=True)).to_be_visible()


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


def test_the_model_is_chosen_where_workers_run_several(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    factories.a_worker(site.db, "one", model="large")
    page = site.open(context)
    page.get_by_text("Options").click()
    expect(page.get_by_label("Speakers")).to_be_visible()
    expect(page.get_by_label("Model")).to_have_count(0)
    factories.a_worker(site.db, "two", model="iic/small")
    page.reload()
    page.get_by_text("Options").click()
    page.get_by_label("Model").select_option("iic/small")
    (tmp_path / "named.wav").write_bytes(b"sound")
    choose(page, tmp_path / "named.wav")
    expect(page.locator(".job")).to_have_count(1)
    with site.db.reading() as session:
        assert session.scalars(select(Job.model)).all() == ["iic/small"]


def test_the_number_of_speakers_is_sent_unless_each_channel_is_one(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    page = site.open(context)
    page.get_by_text("Options").click()
    speakers, channels = page.get_by_label("Speakers"), page.get_by_label("Channels of a track")
    speakers.select_option("3")
    channels.select_option("each as a person of its own")
    expect(speakers).to_be_disabled()
    for number, heard in enumerate(("each as a person of its own", "all together")):
        channels.select_option(heard)
        (tmp_path / f"{number}.wav").write_bytes(b"sound")
        choose(page, tmp_path / f"{number}.wav")
        expect(page.locator(".job")).to_have_count(number + 1)
    with site.db.reading() as session:
        options = session.scalars(select(Job.options).order_by(Job.created_at)).all()
    assert options == [{"channels": "each"}, {"speakers": "3"}]


@pytest.mark.both_browsers
def test_a_recording_made_in_the_browser_is_listened_to_and_sent(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.get_by_label("Level of the microphone")).to_be_visible()
    expect(page.locator(".recorder .time")).to_have_text(re.compile(r"0:(0[2-9]|[1-5]\d)"))
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
    wait_for(lambda: page.evaluate("window.shown.length"), seconds=240, what="the notification")
    assert page.evaluate("window.shown") == ["short: The transcript is ready."]


@LOOKS_OF_LOCALES
def test_an_upload_is_accessible_in_all_of_its_states(
    site: Site, browser: Browser, large: Path, tmp_path: Path, locale: str, looks: Sequence[Look]
) -> None:
    def examine() -> None:
        for look, problems in examined(page, looks):
            assert problems == [], look

    (tmp_path / "minutes.docx").write_bytes(b"text")
    context = new_context(browser, locale, looks[0], height=900)
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
    examine()
    page.locator(".recorder button.primary").click()
    expect(page.locator(".recorder audio")).to_be_visible()
    examine()
    page.reload()
    expect(page.locator("#uploads .unfinished").first).to_be_visible()
    expect(page.locator("#uploads .kept")).to_be_visible()  # the recording that was not sent
    examine()
    context.close()


def test_it_speaks_chinese(site: Site, browser: Browser, large: Path) -> None:
    context = browser.new_context(locale="zh-CN")
    page = site.open(context)
    site.line.crawl()
    page.get_by_label("选择录音").set_input_files(large)
    row = page.locator("#uploads li")
    expect(row).to_contain_text("每秒")
    expect(row).to_contain_text("还需")
    page.get_by_role("button", name="暂停").click()
    expect(row).to_contain_text("已暂停")
    page.get_by_role("button", name="取消").click()
    expect(row).to_have_count(0)
    context.close()
