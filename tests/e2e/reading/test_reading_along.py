"""A job's page while it runs: its text appears batch by batch, and it becomes the finished page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from shared import jobs
from shared.db import Database
from shared.errors import UnsupportedMedia
from shared.states import Stage
from tests.support import factories
from tests.support.stack import Stack
from tests.support.web.web_site import serving

RATE = 16_000
PLANNED = [
    jobs.PlannedSegment(0, 2 * RATE, 0),
    jobs.PlannedSegment(3 * RATE, 8 * RATE, 1),
    jobs.PlannedSegment(9 * RATE, 11 * RATE, 0),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Stack]:
    with serving(tmp_path) as stack:
        yield stack


def test_the_text_appears_as_batches_finish_and_the_page_becomes_the_transcript(
    server: Stack, hurried_context: BrowserContext
) -> None:
    db = Database(server.database_url)
    job_id = factories.submit(db)
    page = hurried_context.new_page()
    page.goto(f"{server.url}/jobs/{job_id}")
    expect(page.get_by_text("You may close this page")).to_be_visible()
    expect(page.get_by_role("heading", name="Text so far")).to_be_hidden()

    claim = factories.claim(db)
    jobs.note_batch_choice(db, claim, factories.CHOICE)
    jobs.store_plan(db, claim, "plan", PLANNED, complete=True)
    expect(page.locator(".how", has_text="Batches of up to 300 s of audio")).to_be_visible()

    def commit(*said: tuple[int, str]) -> None:
        batch = [
            jobs.RecognisedSegment(
                PLANNED[number].start_sample,
                PLANNED[number].end_sample,
                PLANNED[number].batch,
                [(word, 0.0, 1.0) for word in words.split()],
            )
            for number, words in said
        ]
        usage = jobs.Usage(recognition_s=0.1, cpu_s=0.1, peak_bytes=1)
        jobs.save_batch(db, claim, batch, progress=0.2 * (1 + said[0][0]), usage=usage)

    said = page.locator(".so-far li")
    commit((0, "大 家 好"), (2, "再 见"))
    expect(said).to_have_text(["0:00大家好", "0:09再见"])
    commit((1, "用 GPU 吗"))
    expect(said).to_have_text(["0:00大家好", "0:03用GPU吗", "0:09再见"])

    jobs.set_stage(db, claim, Stage.SAVING, duration_s=12.5)
    jobs.finish(db, claim, factories.TRANSCRIPT)
    expect(page.get_by_role("heading", name="Transcript")).to_be_visible()
    expect(page.get_by_role("heading", name="Text so far")).to_be_hidden()
    db.dispose()


def test_what_a_failed_job_had_recognised_is_shown(server: Stack, context: BrowserContext) -> None:
    db = Database(server.database_url)
    job_id = factories.submit(db)
    claim = factories.claim(db)
    jobs.store_plan(db, claim, "plan", PLANNED, complete=True)
    words = [("好", 0.0, 1.0)]
    batch = [jobs.RecognisedSegment(PLANNED[1].start_sample, PLANNED[1].end_sample, 1, words)]
    usage = jobs.Usage(recognition_s=0.1, cpu_s=0.1, peak_bytes=1)
    jobs.save_batch(db, claim, batch, progress=0.5, usage=usage)
    jobs.fail(db, claim, UnsupportedMedia())
    page = context.new_page()
    page.goto(f"{server.url}/jobs/{job_id}")
    expect(page.locator(".so-far li")).to_have_text(["0:03好"])
    db.dispose()
