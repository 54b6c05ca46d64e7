"""A real Celery worker with the bundled model, a real Redis, both databases."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shared import jobs
from shared.models import LOCAL_OWNER
from shared.states import AttemptOutcome, JobStatus, Stage
from tests.installation import Installation, as_wav, children, model_process
from tests.services import Service, Stack, running, wait_for
from tests.speech import character_error_rate, meeting
from worker.recogniser import SAMPLE_RATE


@pytest.fixture
def installation(stack: Stack) -> Iterator[Installation]:
    made = Installation(stack)
    yield made
    made.db.dispose()


@pytest.fixture(scope="module")
def common(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Installation, Service]]:
    """One installation and its worker, on each database, for the tests that break neither."""
    folder = tmp_path_factory.mktemp("common")
    with running(Stack(folder / "stack", module_database_url)) as stack:
        stack.start_redis()
        worker = stack.start_worker()
        made = Installation(stack)
        yield made, worker
        made.db.dispose()


def test_a_recording_becomes_its_text_with_times(common: tuple[Installation, Service]) -> None:
    installation, worker = common
    said = meeting(60)
    job_id = installation.submit(as_wav(said.samples))
    assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    transcript = installation.transcript(job_id)
    assert character_error_rate(said.text, transcript.text) <= 0.02
    assert transcript.duration == pytest.approx(60, abs=0.01)
    times = [(s.start, s.end) for s in transcript.sentences]
    assert times == sorted(times)
    assert all(0 <= start < end <= 60 for start, end in times)
    for sentence in transcript.sentences:
        assert [w.start for w in sentence.words] == sorted(w.start for w in sentence.words)
    shown = installation.view(job_id)
    assert shown.job.progress == 1
    assert shown.job.recording.duration_s == pytest.approx(60, abs=0.01)
    assert shown.attempt is not None
    assert shown.attempt.batch_size_s == 300
    assert "recording allows 300 s" in (shown.attempt.batch_reason or "")
    assert "as measured" in (shown.attempt.batch_reason or "")
    assert shown.attempt.predicted_peak_bytes and shown.attempt.peak_bytes
    assert not list((installation.stack.folder / "data" / "work").iterdir())


@pytest.mark.parametrize(
    ("recording", "code"),
    [
        (b"this is no recording at all, just text", "unsupported_media"),
        (as_wav(np.zeros(0, np.int16)), "no_audio"),
        (b"\x00" * 5000, "unsupported_media"),
    ],
)
def test_what_cannot_be_decoded_fails_in_seconds_and_the_worker_goes_on(
    common: tuple[Installation, Service], recording: bytes, code: str
) -> None:
    installation, worker = common
    bad = installation.submit(recording)
    good = installation.submit(as_wav(meeting(20).samples))
    assert installation.wait_until_over(bad) == JobStatus.FAILED
    assert installation.view(bad).job.error_code == code
    assert installation.wait_until_over(good) == JobStatus.COMPLETED, worker.log


@pytest.mark.parametrize("kind", ["digital silence", "noise", "ten milliseconds"])
def test_a_recording_in_which_nobody_speaks_completes_with_a_warning(
    common: tuple[Installation, Service], kind: str
) -> None:
    installation, worker = common
    samples = {
        "digital silence": np.zeros(30 * SAMPLE_RATE, np.int16),
        "noise": np.random.default_rng(1).normal(0, 40, 30 * SAMPLE_RATE).astype(np.int16),
        "ten milliseconds": np.ones(SAMPLE_RATE // 100, np.int16),
    }[kind]
    job_id = installation.submit(as_wav(samples))
    assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    transcript = installation.transcript(job_id)
    assert transcript.text == ""
    assert transcript.warnings == ("no_speech",)


def test_a_job_nobody_was_told_of_is_found_by_the_sweep(
    common: tuple[Installation, Service],
) -> None:
    installation, worker = common
    job_id = installation.submit(as_wav(meeting(20).samples), doorbell=False)
    assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log


class TestCrash:
    """Small batches, so that there is a middle to die in."""

    SAID = meeting(240)

    @pytest.fixture
    def worker(self, stack: Stack) -> Service:
        return stack.start_worker(LONGSCRIBE_BATCH_SIZE_S="5")

    @pytest.fixture
    def undisturbed(self, stack: Stack, installation: Installation, worker: Service) -> str:
        """The text when nothing goes wrong."""
        job_id = installation.submit(as_wav(self.SAID.samples))
        assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
        return installation.transcript(job_id).text

    def test_kill_9_of_the_child_in_mid_job_costs_at_most_a_batch_and_no_word(
        self, installation: Installation, worker: Service, undisturbed: str
    ) -> None:
        job_id = installation.submit(as_wav(self.SAID.samples))
        installation.wait_for_progress(job_id, 0.4)
        child = model_process(worker.pid)
        os.kill(child, signal.SIGKILL)
        assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
        assert installation.transcript(job_id).text == undisturbed
        attempts = installation.view(job_id).job.attempts
        assert [a.outcome for a in attempts] == [AttemptOutcome.LOST, AttemptOutcome.COMPLETED]
        # Each batch is committed once, by one of the two.
        assert all(attempt.batches > 0 for attempt in attempts)
        whole = installation.view(self._other(installation, job_id)).attempt
        assert whole is not None
        assert sum(attempt.batches for attempt in attempts) == whole.batches

    def test_kill_9_of_the_whole_worker_leaves_the_job_to_another(
        self, stack: Stack, installation: Installation, worker: Service, undisturbed: str
    ) -> None:
        job_id = installation.submit(as_wav(self.SAID.samples))
        installation.wait_for_progress(job_id, 0.4)
        family = [worker.pid, *children(worker.pid)]
        worker.kill()
        wait_for(
            lambda: not any(Path(f"/proc/{pid}/task").is_dir() and _alive(pid) for pid in family),
            what="the worker's processes to end",
        )
        other = stack.start_worker("other", LONGSCRIBE_BATCH_SIZE_S="5")
        assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, other.log
        assert installation.transcript(job_id).text == undisturbed

    def test_a_worker_told_to_stop_gives_the_job_back_and_another_goes_on(
        self, stack: Stack, installation: Installation, worker: Service, undisturbed: str
    ) -> None:
        job_id = installation.submit(as_wav(self.SAID.samples))
        installation.wait_for_progress(job_id, 0.3)
        assert worker.stop() == 0, worker.log
        assert installation.status(job_id) == JobStatus.QUEUED
        other = stack.start_worker("other", LONGSCRIBE_BATCH_SIZE_S="5")
        assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, other.log
        assert installation.transcript(job_id).text == undisturbed
        job = installation.view(job_id).job
        assert [a.outcome for a in job.attempts] == [
            AttemptOutcome.RELEASED,
            AttemptOutcome.COMPLETED,
        ]
        assert job.failed_attempts == 0

    def _other(self, installation: Installation, job_id: str) -> str:
        page = jobs.list_jobs(installation.db, owner_id=LOCAL_OWNER)
        return next(shown.job.id for shown in page.jobs if shown.job.id != job_id)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


class TestCancel:
    def test_a_running_job_stops_and_the_loaded_model_stays(
        self, stack: Stack, installation: Installation
    ) -> None:
        worker = stack.start_worker(LONGSCRIBE_BATCH_SIZE_S="5")
        long = installation.submit(as_wav(meeting(240).samples))
        installation.wait_for_progress(long, 0.2)
        child = model_process(worker.pid)
        jobs.cancel(installation.db, owner_id=LOCAL_OWNER, job_id=long)
        started = time.monotonic()
        assert installation.wait_until_over(long) == JobStatus.CANCELLED
        assert time.monotonic() - started < 5
        following = installation.submit(as_wav(meeting(20).samples))
        assert installation.wait_until_over(following) == JobStatus.COMPLETED
        assert model_process(worker.pid) == child

        jobs.retry(installation.db, owner_id=LOCAL_OWNER, job_id=long)
        before = installation.view(long).job.progress
        assert installation.wait_until_over(long) == JobStatus.COMPLETED, worker.log
        assert before > 0  # progress is kept, for the finished segments are
        text = installation.transcript(long).text
        assert character_error_rate(meeting(240).text, text) <= 0.02


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_text_is_the_same_at_every_batch_size(stack: Stack, installation: Installation) -> None:
    transcripts = {}
    for size in ("5", "60", "300", "600"):
        worker = stack.start_worker(f"worker-{size}", LONGSCRIBE_BATCH_SIZE_S=size)
        job_id = installation.submit(as_wav(meeting(240).samples))
        assert installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
        transcripts[size] = installation.transcript(job_id)
        attempt = installation.view(job_id).attempt
        assert attempt is not None and attempt.batch_size_s == float(size)
        worker.stop()
    assert len({transcript.text for transcript in transcripts.values()}) == 1
    assert len({transcript.sentences for transcript in transcripts.values()}) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_model_that_is_not_there_ends_the_worker_with_what_to_do(
    stack: Stack, tmp_path: Path
) -> None:
    worker = stack.start_worker(LONGSCRIBE_MODEL=str(tmp_path / "nowhere"))
    worker.process.wait(timeout=60)
    assert "There is no model folder" in worker.log
    assert "Check LONGSCRIBE_MODEL" in worker.log


def test_stages_are_words_of_the_vocabulary(common: tuple[Installation, Service]) -> None:
    installation, _ = common
    job_id = installation.submit(as_wav(meeting(240).samples))
    seen = set()
    while not (shown := installation.view(job_id)).job.completed_at:
        seen.add(shown.job.stage)
        time.sleep(0.01)
    assert seen & {Stage.DECODING.value, Stage.RECOGNISING.value}
    assert seen <= {None, *(stage.value for stage in Stage)}
