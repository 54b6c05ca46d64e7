"""What hangs for ever is ended: real worker processes, a real Redis, both databases."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import jobs
from shared.models import LOCAL_OWNER
from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.faults import freeze
from tests.chaos.machinery.faulty_installation import (
    Action,
    Fault,
    FaultyInstallation,
    Step,
    recording,
)
from tests.support import factories
from tests.support.speech.media import long_wav
from tests.support.stack import Service, wait_for
from tests.support.stack_without_http import children, model_processes

pytestmark = pytest.mark.usefixtures("long_leases")

STALL_S = 10.0
"""Longer than it takes to start a decoder on a busy machine."""

STALLED_ONCE = [(AttemptOutcome.LOST, "stalled"), (AttemptOutcome.COMPLETED, None)]

SECOND_BATCH = Fault(Step.RECOGNISING, Action.HANG, batch=2)


def start_worker(faulty: FaultyInstallation, **env: str) -> Service:
    return faulty.start_worker(LONGSCRIBE_STALL_S=str(STALL_S), **env)


def test_a_batch_that_hangs_once_costs_one_batch_and_no_word(faulty: FaultyInstallation) -> None:
    worker = start_worker(faulty)
    faulty.faults.arm(SECOND_BATCH)
    job_id = faulty.submit(recording())
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    assert faulty.outcomes(job_id) == STALLED_ONCE
    assert len({entry.pid for entry in faulty.step_log.begun(job_id)}) == 2
    assert faulty.step_log.repeated(job_id) == 1  # the one that hung, and no other
    undisturbed = faulty.submit(recording())
    assert faulty.wait_until_over(undisturbed) == JobStatus.COMPLETED, worker.log
    assert faulty.outcomes(undisturbed) == [(AttemptOutcome.COMPLETED, None)]
    hung, whole = faulty.texts([job_id, undisturbed])
    assert hung == whole != ""
    wait_for(lambda: not faulty.watch_files(), what="the last attempt to leave")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "fault",
    [
        Fault(Step.RECOGNISING, Action.HANG_WITH_LOCK, batch=2),
        Fault(Step.LISTENING, Action.HANG),
        Fault(Step.PUNCTUATING, Action.HANG),
    ],
    ids=["holding the interpreter's lock", "listening", "punctuating"],
)
def test_wherever_it_hangs_it_is_ended(faulty: FaultyInstallation, fault: Fault) -> None:
    # With the interpreter's lock held no heartbeat comes either; the lease is long, so that it is
    # not the sweep that finds out.
    worker = start_worker(faulty)
    faulty.faults.arm(fault)
    job_id = faulty.submit(recording())
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    assert faulty.outcomes(job_id) == STALLED_ONCE
    assert faulty.step_log.repeated(job_id) == (fault.step is Step.RECOGNISING)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_job_that_always_hangs_fails_and_says_what_to_look_at(faulty: FaultyInstallation) -> None:
    faulty.max_attempts = 2
    worker = start_worker(faulty, LONGSCRIBE_MAX_ATTEMPTS="2")
    faulty.faults.arm(Fault(Step.RECOGNISING, Action.HANG, each_time=True))
    job_id = faulty.submit(recording())
    assert faulty.wait_until_over(job_id) == JobStatus.FAILED, worker.log
    assert faulty.outcomes(job_id) == [(AttemptOutcome.LOST, "stalled")] * 2
    job = faulty.view(job_id).job
    assert job.error_code == "stalled"
    assert "LONGSCRIBE_STALL_S" in (job.error_message or "")
    assert factories.row(faulty.db, job_id).lease_expires_at is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_slow_job_that_moves_is_left_alone(faulty: FaultyInstallation) -> None:
    # Each of two batches takes longer than STALL_S, but not by more than its audio.
    worker = start_worker(faulty, BATCH_TAKES_S=str(STALL_S + 0.5))
    job_id = faulty.submit(recording(spans=2))
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    assert faulty.outcomes(job_id) == [(AttemptOutcome.COMPLETED, None)]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_job_beside_one_that_hangs_goes_on_in_its_process(faulty: FaultyInstallation) -> None:
    worker = start_worker(faulty, LONGSCRIBE_WORKER_CONCURRENCY="2", BATCH_TAKES_S="0.8")
    faulty.faults.arm(SECOND_BATCH, filename="hangs.wav")
    wait_for(lambda: worker.log.count("model loaded") == 2, what="both models")
    before = set(model_processes(worker.pid))
    hangs = faulty.submit(recording(5, spans=3), filename="hangs.wav")
    # Which is ended after STALL_S and the time of five batches: this one takes longer.
    beside = faulty.submit(recording(6, spans=24))
    for job_id in (hangs, beside):
        assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    assert faulty.outcomes(hangs) == STALLED_ONCE
    assert faulty.outcomes(beside) == [(AttemptOutcome.COMPLETED, None)]
    wait_for(lambda: worker.log.count("model loaded") == 3, what="a fresh process")
    assert len(before & set(model_processes(worker.pid))) == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_cancel_of_a_job_whose_decoder_hangs_frees_the_worker_long_before_it_would_be_ended(
    faulty: FaultyInstallation, tmp_path: Path
) -> None:
    worker = faulty.start_worker()  # by default a silent decoder has a minute, an attempt ten
    job_id = faulty.submit(long_wav(tmp_path / "four_hours.wav", hours=4).read_bytes())
    [model] = wait_for(lambda: model_processes(worker.pid), what="the worker's child")

    def decoders() -> Iterator[int]:
        for pid in children(model):
            with contextlib.suppress(OSError):  # it has ended since
                if b"worker.audio.decoder.child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    yield pid

    wait_for(lambda: faulty.view(job_id).job.progress > 0, what="decoding")
    freeze(*decoders())
    jobs.cancel(faulty.db, owner_id=LOCAL_OWNER, job_id=job_id)
    following = faulty.submit(recording())
    assert faulty.wait_until_over(following, seconds=50) == JobStatus.COMPLETED, worker.log
    assert faulty.status(job_id) == JobStatus.CANCELLED
    assert faulty.outcomes(job_id) == [(AttemptOutcome.CANCELLED, None)]
    assert model_processes(worker.pid) == [model]
    assert [*decoders()] == []
