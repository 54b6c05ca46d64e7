"""A new user's path: upload a recording, listen to a sentence, download subtitles.

Through a browser, gunicorn, Redis and a Celery worker with the bundled model.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import srt
from playwright.sync_api import Page, expect

from tests.support.databases.sqlite import migrated_file
from tests.support.speech.demo_speech import character_error_rate, meeting
from tests.support.stack import NOBODY_DIES, Stack, running, wait_for
from tests.support.stack_without_http import as_wav

SPOKEN = partial(meeting, 60, seed=5)
PATIENCE_MS = 240_000


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Stack]:
    url = migrated_file(tmp_path / "longscribe.db")
    env = {"LONGSCRIBE_MIN_FREE_BYTES": "0", **NOBODY_DIES}
    with running(Stack(tmp_path / "stack", url, env)) as stack:
        stack.start_redis()
        stack.start_worker()
        stack.start_web()
        yield stack


@pytest.mark.both_browsers
def test_a_recording_goes_in_is_read_by_ear_and_leaves_as_subtitles(
    installed: Stack, page: Page, tmp_path: Path
) -> None:
    recording = tmp_path / "周会 standup.wav"
    recording.write_bytes(as_wav(SPOKEN().samples))
    page.goto(installed.url)
    page.get_by_label("Choose recordings").set_input_files(recording)
    job = page.locator(".job").filter(has_text=recording.stem)
    expect(job).to_contain_text("Done", timeout=PATIENCE_MS)

    job.get_by_role("link", name=recording.stem, exact=True).click()
    sentences = page.locator("#sentences > li")
    third = sentences.nth(2)
    page.wait_for_load_state("networkidle")  # the scripts are there
    third.locator(".text").click()

    def plays_within_it() -> bool:
        at = float(page.evaluate("document.querySelector('#player audio').currentTime"))
        return float(str(third.get_attribute("data-start"))) <= at

    wait_for(plays_within_it, what="the sound to be there")
    expect(page.locator("#sentences > li.now")).to_have_count(1)
    page.keyboard.press("Space")

    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("SRT").check()
    expect(dialog).to_contain_text("00:00:")
    with page.expect_download() as downloading:
        dialog.get_by_role("link", name="Download").click()
    assert downloading.value.suggested_filename == "周会 standup.srt"
    path = tmp_path / "subtitles.srt"
    downloading.value.save_as(path)
    cues = list(srt.parse(path.read_text()))
    assert all(cue.end > cue.start for cue in cues)
    assert all(len(cue.content.splitlines()) <= 2 for cue in cues)
    text = "".join(cue.content.replace("\n", "") for cue in cues)
    assert character_error_rate(SPOKEN().text, text) < 0.05

    # Nobody asked who speaks; that is made up for without another upload.
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Tell speakers apart…").click()
    expect(page.locator("select[name=speakers]")).to_have_value("auto")
    page.get_by_role("button", name="Transcribe again").click()
    expect(page.get_by_text("This is the page of its new transcript.")).to_be_visible()
    expect(page.locator("#speakers .people > li").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#sentences > li").first).to_be_visible()
    expect(page.locator(".others a")).to_have_count(1)
