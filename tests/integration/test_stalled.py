"""What hangs for ever is ended: real worker processes, a real Redis, both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shared.states import AttemptOutcome, JobStatus
from tests.installation import Installation, as_wav, model_processes
from tests.services import Service, Stack, wait_for
from worker.recogniser import SAMPLE_RATE

STALL_S = 3.0
"""Longer than it takes to start a decoder on a busy machine."""


def recording(seed: int = 3, spans: int = 8) -> bytes:
    """Spans of speech of 4 s, so that each is a batch of its own where batches hold 5 s."""
    random = np.random.default_rng(seed)
    pause = np.zeros(int(1.5 * SAMPLE_RATE), np.int16)
    parts = []
    for number in range(spans):
        speech = random.normal(0, 1000 + 137 * number, 4 * SAMPLE_RATE)
        parts += [speech.clip(-32_000, 32_000).astype(np.int16), pause]
    return as_wav(np.concatenate(parts))


class Hanging:
    """An installation whose worker's model hangs where a test wants it to."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.installation = Installation(stack)
        self.tried = stack.folder / "tried"

    def start(self, **env: str) -> Service:
        given = {
            "BATCHES_TRIED": str(self.tried),
            "LONGSCRIBE_BATCH_SIZE_S": "5",
            "LONGSCRIBE_STALL_S": str(STALL_S),
        } | env
        options = ["--include", "tests.hanging_recogniser"]
        return self.stack.start_worker(options=options, **given)

    def hang_once(self, place: str, **env: str) -> Service:
        once = str(self.stack.folder / "hung")
        return self.start(HANG_IN=place, HANG_IN_BATCH="2", HANG_ONCE=once, **env)

    def batches(self) -> list[tuple[str, str]]:
        """The process and the audio of each batch that was begun."""
        lines = self.tried.read_text().splitlines()
        return [(pid, given) for pid, given in (line.split() for line in lines)]

    def outcomes(self, job_id: str) -> list[tuple[str | None, str | None]]:
        attempts = self.installation.view(job_id).job.attempts
        return [(attempt.outcome, attempt.error_code) for attempt in attempts]

    def watch_files(self) -> list[Path]:
        return list((self.stack.folder / "data" / "watch").iterdir())


@pytest.fixture
def hanging(stack: Stack) -> Iterator[Hanging]:
    made = Hanging(stack)
    yield made
    made.installation.db.dispose()


STALLED_ONCE = [(AttemptOutcome.LOST, "stalled"), (AttemptOutcome.COMPLETED, None)]


def test_a_batch_that_hangs_once_costs_one_batch_and_no_word(hanging: Hanging) -> None:
    worker = hanging.hang_once("recognise")
    job_id = hanging.installation.submit(recording())
    assert hanging.installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    assert hanging.outcomes(job_id) == STALLED_ONCE
    text = hanging.installation.transcript(job_id).text
    pids, given = zip(*hanging.batches(), strict=True)
    assert len(set(pids)) == 2
    assert len(given) == len(set(given)) + 1  # the one that hung, and no other, was begun twice
    undisturbed = hanging.installation.submit(recording())
    assert hanging.installation.wait_until_over(undisturbed) == JobStatus.COMPLETED, worker.log
    assert hanging.outcomes(undisturbed) == [(AttemptOutcome.COMPLETED, None)]
    assert text == hanging.installation.transcript(undisturbed).text != ""
    wait_for(lambda: not hanging.watch_files(), what="the last attempt to leave")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("place", ["holding_the_lock", "listen", "punctuate"])
def test_wherever_it_hangs_it_is_ended(hanging: Hanging, place: str) -> None:
    # With the interpreter's lock held no heartbeat comes either; the lease is long, so that it is
    # not the reaper who finds out.
    worker = hanging.hang_once(place, LONGSCRIBE_LEASE_S="60")
    job_id = hanging.installation.submit(recording())
    assert hanging.installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    assert hanging.outcomes(job_id) == STALLED_ONCE
    begun = [given for _, given in hanging.batches()]
    assert len(begun) - len(set(begun)) == (place == "holding_the_lock")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_job_that_always_hangs_fails_and_says_what_to_look_at(hanging: Hanging) -> None:
    worker = hanging.start(HANG_IN="punctuate", LONGSCRIBE_MAX_ATTEMPTS="2")
    job_id = hanging.installation.submit(recording())
    assert hanging.installation.wait_until_over(job_id) == JobStatus.FAILED, worker.log
    assert hanging.outcomes(job_id) == [(AttemptOutcome.LOST, "stalled")] * 2
    job = hanging.installation.view(job_id).job
    assert job.error_code == "stalled"
    assert "LONGSCRIBE_STALL_S" in (job.error_message or "")
    assert job.lease_expires_at is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_slow_job_that_moves_is_left_alone(hanging: Hanging) -> None:
    # Each of three batches takes longer than STALL_S, but no longer than its audio.
    worker = hanging.start(BATCH_TAKES_S=str(STALL_S + 0.5))
    job_id = hanging.installation.submit(recording(spans=3))
    assert hanging.installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    assert hanging.outcomes(job_id) == [(AttemptOutcome.COMPLETED, None)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_job_beside_one_that_hangs_goes_on_in_its_process(hanging: Hanging) -> None:
    worker = hanging.hang_once("recognise", LONGSCRIBE_WORKER_CONCURRENCY="2", BATCH_TAKES_S="0.8")
    wait_for(lambda: worker.log.count("model loaded") == 2, what="both models")
    before = set(model_processes(worker.pid))
    job_ids = [hanging.installation.submit(recording(seed)) for seed in (5, 6)]
    for job_id in job_ids:
        assert hanging.installation.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    outcomes = sorted((hanging.outcomes(job_id) for job_id in job_ids), key=len)
    assert outcomes == [[(AttemptOutcome.COMPLETED, None)], STALLED_ONCE]
    wait_for(lambda: worker.log.count("model loaded") == 3, what="a fresh process")
    assert len(before & set(model_processes(worker.pid))) == 1
