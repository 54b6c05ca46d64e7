"""The pages in a real browser, with JavaScript and without, and never with an error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from shared import jobs
from shared.db import Database
from shared.states import JobStatus, Stage
from tests.e2e.conftest import linger
from tests.support import factories
from tests.support.stack import Stack
from tests.support.web.web_site import serving, silent_recording


@dataclass
class Site:
    """A running web server, its database, and the errors of the browsers."""

    stack: Stack
    db: Database
    complaints: list[str] = field(default_factory=list)

    def open(self, context: BrowserContext, path: str = "/") -> Page:
        page = context.new_page()
        page.on(
            "console",
            lambda line: (
                self.complaints.append(line.text) if line.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{self.stack.url}{path}")
        return page


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with serving(tmp_path_factory.mktemp("pages"), LONGSCRIBE_MAX_UPLOAD_BYTES=str(2**20)) as stack:
        yield stack


@pytest.fixture
def site(server: Stack) -> Iterator[Site]:
    """The site; its jobs are deleted after the test, which fails if a browser logged an error."""
    db = Database(server.database_url)
    opened = Site(server, db)
    yield opened
    for view in jobs.list_jobs(db, owner_id="local", limit=100).jobs:
        if view.job.status == JobStatus.PROCESSING:
            jobs.cancel(db, owner_id="local", job_id=view.job.id)
            jobs.cancelled(db, _claim_of(db, view.job.id))
        factories.delete(db, view.job.id)
    db.dispose()
    assert opened.complaints == []


def _claim_of(db: Database, job_id: str) -> jobs.Claim:
    job = factories.row(db, job_id)
    attempt = job.attempts[-1]
    return jobs.Claim(job.id, attempt.fence, attempt.number, 60, job.owner_id, "", "", {})


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    return silent_recording(tmp_path)


def test_a_chosen_file_becomes_a_job_without_leaving_the_page(
    site: Site, context: BrowserContext, wav: Path
) -> None:
    page = site.open(context)
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    expect(page.get_by_role("button", name="Transcribe")).to_be_hidden()
    page.get_by_label("Choose recordings").set_input_files(wav)

    row = page.locator(".job")
    expect(row.get_by_role("link", name=wav.stem, exact=True)).to_be_visible()
    expect(row).to_contain_text("next in line")
    expect(page.get_by_text("No worker is running")).to_be_visible()
    expect(page.locator("#uploads li")).to_have_count(0)
    assert len(jobs.list_jobs(site.db, owner_id="local").jobs) == 1


def test_the_form_works_without_javascript(
    site: Site, context_without_js: BrowserContext, wav: Path
) -> None:
    page = site.open(context_without_js)
    page.get_by_label("Choose recordings").set_input_files([wav, wav])
    page.get_by_role("button", name="Transcribe").click()
    expect(page.locator(".job")).to_have_count(2)
    expect(page.locator(".flash")).to_have_count(2)

    row = page.locator(".job").first

    def more(role: Literal["button", "link"], name: str) -> None:
        row.locator("details.more summary").click()
        row.get_by_role(role, name=name).click()

    more("button", "Cancel")
    expect(row).to_contain_text("Cancelled")
    more("button", "Try again")
    expect(row).to_contain_text("Waiting")
    more("button", "Cancel")
    more("link", "Delete")
    expect(page.get_by_role("heading")).to_contain_text("Delete “周会 standup”?")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".job")).to_have_count(1)


def test_a_file_that_is_too_large_or_empty_is_refused_before_it_is_sent(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    (tmp_path / "large.wav").write_bytes(bytes(2**20 + 1))
    (tmp_path / "empty.wav").touch()
    page = site.open(context)
    page.get_by_label("Choose recordings").set_input_files(
        [tmp_path / "large.wav", tmp_path / "empty.wav"]
    )
    expect(page.locator("#uploads .failed")).to_have_count(2)
    expect(page.get_by_text("Larger than 1 MB")).to_be_visible()
    page.get_by_role("button", name="Dismiss").first.click()
    expect(page.locator("#uploads .failed")).to_have_count(1)


def test_the_list_follows_a_job_without_a_reload(site: Site, context: BrowserContext) -> None:
    factories.submit(site.db, filename="lecture")
    page = site.open(context)
    row = page.locator(".job")
    expect(row).to_contain_text("Waiting")
    page.evaluate("window.sameDocument = true")
    row.get_by_role("link", name="lecture").focus()

    claimed = factories.claim(site.db)
    jobs.set_stage(site.db, claimed, Stage.RECOGNISING, progress=0.4, duration_s=3600.0)
    expect(row).to_contain_text("Recognising speech")
    expect(row.locator("progress")).to_have_attribute("value", "0.4")
    expect(row).to_contain_text("24:00 of 1:00:00")
    expect(row.get_by_role("link", name="lecture")).to_be_focused()

    factories.complete(site.db, claimed)
    expect(row).to_contain_text("Done")
    row.get_by_text("Download").click()
    expect(row.get_by_role("link", name="Subtitles (.srt)", exact=True)).to_be_visible()
    assert page.evaluate("window.sameDocument")


def test_the_line_about_the_sample_leads_to_its_transcript(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    page.get_by_role("button", name="Try it with the sample meeting").click()
    told = page.locator(".flash")
    expect(told).to_contain_text("The sample meeting is in the queue")
    factories.complete(site.db, factories.claim(site.db))
    expect(told).to_contain_text("The sample meeting is transcribed.")
    told.get_by_role("link", name="Open the transcript").click()
    expect(page.get_by_text("大家好。")).to_be_visible()


def test_an_open_job_page_turns_into_its_transcript(site: Site, context: BrowserContext) -> None:
    job_id = factories.submit(site.db, filename="lecture")
    page = site.open(context, f"/jobs/{job_id}")
    expect(page.locator(".state")).to_have_text("Waiting")
    factories.complete(site.db, factories.claim(site.db))
    expect(page.get_by_text("大家好。")).to_be_visible()
    expect(page.locator(".state")).to_have_text("Done")


def test_a_finished_transcript_is_read_and_copied(site: Site, context: BrowserContext) -> None:
    job_id = factories.a_job(site.db, JobStatus.COMPLETED, filename="周会.m4a")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = site.open(context, f"/jobs/{job_id}")
    sentences = page.locator("#sentences")
    expect(sentences).to_have_attribute("lang", "zh-Hans")
    expect(sentences.locator("p")).to_have_text(["大家好。", "用GPU吗？"])

    linger(page)
    page.get_by_role("button", name="Copy all").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "大家好。\n用GPU吗？"


def test_a_copy_names_who_speaks_where_that_is_known(site: Site, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    first, second = factories.TRANSCRIPT.sentences
    sentences = (replace(first, speaker="Track 1"), second)
    job_id = factories.submit(site.db)
    said = replace(factories.TRANSCRIPT, sentences=sentences)
    factories.complete(site.db, factories.claim(site.db), said)
    page = site.open(context, f"/jobs/{job_id}")
    linger(page)
    page.get_by_role("button", name="Copy all").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "Track 1: 大家好。\n用GPU吗？"


def test_a_failed_job_says_what_to_do(site: Site, context: BrowserContext) -> None:
    job_id = factories.a_job(site.db, JobStatus.FAILED)
    page = site.open(context, f"/jobs/{job_id}")
    expect(page.locator(".problem")).to_contain_text("Convert it to WAV, MP3")
    # The same file would end the same way, so that is not what the page leads with.
    expect(page.locator(".actions a").first).to_have_text("Send another file")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.get_by_text("How it was run").click()
    expect(page.get_by_role("cell", name="failed: This file")).to_be_visible()


def test_a_job_shows_how_it_was_recognised_while_it_runs_and_when_it_is_done(
    site: Site, context: BrowserContext
) -> None:
    job_id = factories.submit(site.db)
    page = site.open(context, f"/jobs/{job_id}")
    claimed = factories.claim(site.db)
    factories.recognise(site.db, claimed)
    page.get_by_text("How it was recognised").click()
    expect(page.locator(".how").get_by_text("Batches of up to 300 s of audio")).to_be_visible()

    def figure(name: str) -> Locator:
        term = page.get_by_role("term").filter(has_text=re.compile(f"^{name}$"))
        return page.locator(".statistics > div").filter(has=term).get_by_role("definition")

    expect(figure("Batches")).to_have_text("2")
    expect(figure("Padded over speech")).to_contain_text("1.167")
    expect(figure("Largest batch")).to_contain_text("3.0 s")
    expect(figure("Speech")).to_contain_text("0:03")
    expect(figure("Recognition")).to_contain_text("0.8 s")
    expect(figure("Processor time")).to_contain_text("1.6 s")
    expect(figure("Peak memory")).to_contain_text("0.7 GB")
    expect(figure("Peak memory")).to_contain_text("1.1 GB")
    expect(figure("Out of memory")).to_have_text("never")
    expect(figure("Precision")).to_have_text("float32")
    expect(figure("Speed")).to_have_count(0)

    jobs.record_oom_retry(site.db, claimed, 37.25)
    expect(figure("Out of memory")).to_contain_text("once")
    expect(page.locator(".how").get_by_text("Batches of up to 37.2 s of audio")).to_be_visible()
    jobs.set_stage(site.db, claimed, Stage.SAVING, duration_s=12.5)
    jobs.finish(site.db, claimed, factories.TRANSCRIPT)
    expect(page.get_by_role("heading", name="Transcript")).to_be_visible()
    page.get_by_text("How it was recognised").click()
    expect(figure("Speed")).to_contain_text("× real time")
    expect(figure("Speech")).to_contain_text("of 0:12")


def test_a_jobs_history_opens_by_itself_once_there_is_trouble_and_then_obeys_its_reader(
    site: Site, hurried_context: BrowserContext
) -> None:
    job_id = factories.submit(site.db)
    factories.claim(site.db)
    page = site.open(hurried_context, f"/jobs/{job_id}")
    told = page.locator(".events li")
    history = page.locator("details").filter(has=page.locator("summary", has_text="History"))
    expect(told).to_have_count(2)
    expect(told.first).to_be_hidden()

    factories.expire_lease(site.db, job_id)
    jobs.expire_leases(site.db, max_attempts=3)
    expect(told.nth(2)).to_be_visible()
    expect(told.nth(2)).to_contain_text("The worker fell silent")

    history.locator("summary").click()
    claimed = factories.claim(site.db)
    expect(told).to_have_count(4)
    expect(told.first).to_be_hidden()
    history.locator("summary").click()
    jobs.record_oom_retry(site.db, claimed, 150.0)
    expect(told.nth(4)).to_contain_text("did not fit into memory")
    expect(told.nth(4)).to_be_visible()


def test_the_demonstration_model_is_announced(site: Site, context: BrowserContext) -> None:
    expect(site.open(context).get_by_role("note")).to_contain_text("Demonstration.")


def test_a_phone_needs_no_sideways_scrolling(site: Site, browser: Browser) -> None:
    jobs.note_worker(
        site.db,
        jobs.WorkerReport(
            name="worker@here",
            hostname="here",
            model="demo",
            device="cpu",
            started_at=datetime.now(UTC),
        ),
    )
    done = factories.submit(site.db, filename="x" * 120 + ".wav")
    claimed = factories.claim(site.db)
    factories.recognise(site.db, claimed)
    jobs.finish(site.db, claimed, factories.TRANSCRIPT)
    failed = factories.a_job(site.db, JobStatus.FAILED)
    context = browser.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    for path in ("/", f"/jobs/{done}", f"/jobs/{failed}"):
        page = site.open(context, path)
        page.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


def test_a_file_name_is_text_and_never_markup(site: Site, context: BrowserContext) -> None:
    name = "<img src=x onerror=alert(1)>"
    factories.a_job(site.db, JobStatus.COMPLETED, filename=name)
    page = site.open(context)
    expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_the_api_is_described_without_another_server(site: Site, context: BrowserContext) -> None:
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = site.open(context, "/api/docs")
    expect(page.get_by_text("Submit a recording, as a file")).to_be_visible()
    assert all(url.startswith((site.stack.url, "data:")) for url in asked)


def test_a_page_that_is_not_there_says_so(server: Stack, context: BrowserContext) -> None:
    page = context.new_page()
    response = page.goto(f"{server.url}/nothing/here")
    assert response is not None
    assert response.status == 404
    expect(page.get_by_role("heading", name="Not Found")).to_be_visible()
    page.get_by_role("link", name="Back to the jobs").click()
    expect(page.get_by_role("heading", name="Recordings in, transcripts out")).to_be_visible()
