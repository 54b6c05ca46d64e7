"""Recording in the browser: what was spoken outlives the browser, the line, and the sign-in."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from shared import jobs
from shared.db import Database
from shared.models import Upload
from shared.states import JobStatus
from tests.e2e.conftest import PATIENCE_MS
from tests.e2e.test_sign_in import choose, enter
from tests.support import factories
from tests.support.browsers import chosen
from tests.support.browsers.chromium import CHROMIUM, FLAGS
from tests.support.databases.sqlite import migrated_file
from tests.support.people import a_person, an_admin
from tests.support.speech.demo_speech import character_error_rate, meeting
from tests.support.stack import NOBODY_DIES, Stack, running, wait_for
from tests.support.stack_without_http import as_wav
from tests.support.web.cut_line import Line
from worker.recogniser import SAMPLE_RATE

SPOKEN_S = 8.0

KEPT = "#uploads .kept"
STATE = ".recorder .where"
SENT = "Kept in this browser, and sent while you speak."


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Stack]:
    url = migrated_file(tmp_path / "longscribe.db")
    env = {"LONGSCRIBE_MIN_FREE_BYTES": "0", **NOBODY_DIES}
    with running(Stack(tmp_path / "stack", url, env)) as stack:
        stack.start_redis()
        stack.start_worker()
        stack.start_web()
        yield stack


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Stack]:
    url = migrated_file(tmp_path / "longscribe.db")
    env = {"LONGSCRIBE_MIN_FREE_BYTES": "0", "LONGSCRIBE_SIGN_IN": "required"}
    with running(Stack(tmp_path / "stack", url, env)) as stack:
        stack.start_web()
        yield stack


@contextmanager
def rows_of(stack: Stack) -> Iterator[Database]:
    db = Database(stack.database_url)
    yield db
    db.dispose()


def received(db: Database) -> list[int]:
    with db.reading() as session:
        return list(session.scalars(select(Upload.received_bytes)).all())


def hearing(browser: Browser, folder: Path, sound: Path) -> BrowserContext:
    """A browser of its own that hears a file once, and then nothing."""
    assert CHROMIUM is not None
    opened = browser.browser_type.launch_persistent_context(
        folder,
        executable_path=CHROMIUM,
        args=[*FLAGS, f"--use-file-for-fake-audio-capture={sound}%noloop"],
        locale="en-GB",
    )
    opened.set_default_timeout(PATIENCE_MS)
    return opened


def kill(folder: Path) -> None:
    """SIGKILL to the browser whose profile is in `folder`."""
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            given = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if f"--user-data-dir={folder}" in given and not any("--type=" in one for one in given):
                os.kill(int(process.name), signal.SIGKILL)


def transcribed_after_a_kill(
    server: Stack, db: Database, browser: Browser, sound: Path, profile: Path
) -> str:
    """What is said in a recording whose browser was killed, as its next start offers it."""
    page = hearing(browser, profile, sound).new_page()
    page.goto(server.url)
    page.get_by_role("button", name="Record", exact=True).click()
    # The file has come to its end.
    expect(page.get_by_text("No sound is coming in.")).to_be_visible(timeout=240_000)
    wait_for(lambda: sum(received(db)), what="what is sent while it is recorded")
    with page.context.expect_event("close"):
        kill(profile)

    page = hearing(browser, profile, sound).new_page()
    page.goto(server.url)
    expect(page.locator(KEPT)).to_contain_text("kept in this browser: 0:")
    page.get_by_role("button", name="Listen: Recording").click()
    player = page.get_by_label("Your recording")
    wait_for(lambda: player.evaluate("player => player.readyState") >= 1, what="its sound")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a file: Recording").click()
    saved = Path(download.value.path()).read_bytes()
    page.get_by_role("button", name="Transcribe it: Recording").click()
    expect(page.locator(".job")).to_have_count(1)
    expect(page.locator("#uploads li")).to_have_count(0)

    def done() -> jobs.JobView | None:
        [view] = jobs.list_jobs(db, owner_id="local").jobs
        assert view.job.status != JobStatus.FAILED, view.job.error_message
        return view if view.job.status == JobStatus.COMPLETED else None

    view = wait_for(done, seconds=240, what="the transcript")
    assert view is not None
    stored = server.folder / "data" / "recordings" / view.job.recording.blob_key
    # The last of it may have been sent before the browser had written it down.
    assert stored.read_bytes().startswith(saved) and len(saved) > 0
    text = page.request.get(f"{server.url}/api/v1/jobs/{view.job.id}/transcript?format=txt").text()
    page.reload()
    expect(page.locator("#list .job")).to_have_count(1)
    expect(page.locator("#uploads li")).to_have_count(0)
    page.context.close()
    factories.delete(db, view.job.id)
    return text


@pytest.mark.chromium("only Chromium hears a file as if it were spoken")
def test_what_was_recorded_before_the_browser_was_killed_is_transcribed(
    server: Stack, browser: Browser, tmp_path: Path
) -> None:
    spoken = meeting(SPOKEN_S, seed=77)
    sound = tmp_path / "spoken.wav"
    # Behind its end the browser repeats the last moment for ever.
    silence = np.zeros(SAMPLE_RATE, np.int16)
    sound.write_bytes(as_wav(np.concatenate([spoken.samples, silence])))
    rates = []
    with rows_of(server) as db:
        for number in range(3):  # it is heard in real time, of which a busy machine loses some
            profile = tmp_path / f"profile-{number}"
            text = transcribed_after_a_kill(server, db, browser, sound, profile)
            rates.append(character_error_rate(spoken.text, text))
            if rates[-1] <= 0.1:
                break
    assert rates[-1] <= 0.1, rates


TONE_HZ = 3000
SCREEN = f"""navigator.mediaDevices.getDisplayMedia = async () => {{
  const context = new AudioContext();
  const tone = new OscillatorNode(context, {{frequency: {TONE_HZ}}});
  const shared = context.createMediaStreamDestination();
  tone.connect(shared);
  tone.start();
  return shared.stream;
}}"""
"""A screen whose sound is a tone: a browser without a screen has none to share."""


def loudest_tone(path: Path) -> float:
    """The amplitude of the tone where it is the loudest, in a tenth of a second."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    samples = np.concatenate(frames)
    parts = samples[: len(samples) // (rate // 10) * (rate // 10)].reshape(-1, rate // 10)
    turning = np.exp(-2j * np.pi * TONE_HZ / rate * np.arange(parts.shape[1]))
    return float(2 * np.abs(parts @ turning).max() / parts.shape[1])


KEPT_FOR = """async (account) => {
  const { keptRecordings } = await import("/static/js/recording/recording_store.js");
  const { uploads } = document.getElementById("upload").dataset;
  return (await keptRecordings(account, new URL(uploads, location.href).href)).length;
}"""
"""Script that counts the recordings that a page would offer to an account, whoever holds them."""


def record_state(page: Page, text: str) -> None:
    expect(page.locator(STATE)).to_contain_text(text)


def test_a_recording_goes_on_without_line_sign_in_and_room_and_is_nobody_elses(
    team: Stack, hurried_context: BrowserContext
) -> None:
    line = Line(team.port)
    address = f"http://127.0.0.1:{line.port}/"
    with rows_of(team) as db:
        anna, bo = an_admin(db), a_person(db, "Bo")
        hurried_context.add_init_script(SCREEN)
        page = hurried_context.new_page()
        page.goto(address)
        enter(page, "Anna")
        if not chosen.IS_FIREFOX:  # which makes one up, and asks for none to be chosen
            page.get_by_label("Microphone").select_option("Fake Audio Input 2")
        page.get_by_label("With the sound of a tab or the screen").check()
        page.get_by_role("button", name="Record", exact=True).click()
        record_state(page, SENT)
        page.get_by_role("button", name="Pause", exact=True).click()
        page.get_by_role("button", name="Go on", exact=True).click()

        line.cut()
        record_state(page, "The server cannot be reached.")
        line.mend()
        record_state(page, SENT)

        other = hurried_context.new_page()
        other.goto(address)
        expect(other.locator(".recorder .record")).to_be_visible()
        expect(other.locator("#uploads li")).to_have_count(0)  # the first tab has it
        choose(other, "Sign out")
        record_state(page, "You are signed out.")
        enter(other, "Bo")
        expect(other.locator(".recorder .record")).to_be_visible()
        expect(other.locator("meta[name=account]")).to_have_attribute("content", bo.id)
        assert other.evaluate(KEPT_FOR, bo.id) == 0
        assert other.evaluate(KEPT_FOR, anna.id) == 1
        before = sum(received(db))
        record_state(page, "You are signed out.")
        with db.reading() as session:
            assert set(session.scalars(select(Upload.owner_id))) == {anna.id}
        assert sum(received(db)) == before
        choose(other, "Sign out")
        enter(other, "Anna")
        expect(other.locator(".recorder .record")).to_be_visible()
        record_state(page, SENT)

        if not chosen.IS_FIREFOX:  # whose protocol fills no storage
            hurried_context.new_cdp_session(page).send(
                "Storage.overrideQuotaForOrigin", {"origin": address, "quotaSize": 1}
            )
            record_state(page, "This browser cannot keep the recording")
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_label("Your recording")).to_be_visible()
        page.get_by_role("button", name="Transcribe it").click()
        expect(page.locator(".job")).to_have_count(1)
        [view] = jobs.list_jobs(db, owner_id=anna.id).jobs
        stored = team.folder / "data" / "recordings" / view.job.recording.blob_key
        assert loudest_tone(stored) > 0.3
        assert jobs.list_jobs(db, owner_id=bo.id).jobs == []
    line.close()
