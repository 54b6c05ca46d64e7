"""Cancelling, whenever it comes: the job ends within a batch, or it had ended already."""

from __future__ import annotations

import time

import pytest

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.states import TERMINAL, AttemptOutcome, JobStatus
from tests.chaos.machinery.faults import Action, Fault, Step, thaw
from tests.chaos.machinery.faulty_installation import FaultyInstallation, recording
from tests.chaos.machinery.promises import breaches
from tests.support.speech.demo_speech import character_error_rate, meeting
from tests.support.stack import Stack, wait_for
from tests.support.stack_without_http import Installation, as_wav, model_process, model_processes

postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


def cancel(db: Database, job_id: str) -> JobStatus:
    return jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)


@postgresql
@pytest.mark.parametrize(
    "step",
    [
        Step.RECOGNISING,
        Step.FINISHING,
        pytest.param(Step.CLAIMED, marks=pytest.mark.long),
        pytest.param(Step.COMMITTED, marks=pytest.mark.long),
        pytest.param(Step.PUNCTUATING, marks=pytest.mark.long),
    ],
)
def test_a_job_cancelled_while_it_runs_stops_there_and_the_next_starts_in_the_same_process(
    faulty: FaultyInstallation, step: Step
) -> None:
    worker = faulty.start_worker(LONGSCRIBE_LEASE_S="30")  # it does not die here
    faulty.faults.arm(Fault(step, Action.HOLD, batch=2))
    cancelled = faulty.submit(recording())
    wait_for(faulty.faults.has_triggered, what=f"a job at {step}")
    models = model_processes(worker.pid)
    waiting, following = (faulty.submit(recording(seed, spans=1)) for seed in (4, 5))
    assert cancel(faulty.db, waiting) == JobStatus.CANCELLED
    assert cancel(faulty.db, cancelled) == JobStatus.CANCELLING
    assert cancel(faulty.db, cancelled) == JobStatus.CANCELLING
    faulty.faults.release()
    assert faulty.wait_until_over(cancelled) == JobStatus.CANCELLED, worker.log
    faulty.wait_until_all_are(JobStatus.COMPLETED, [following])
    assert faulty.outcomes(cancelled) == [(AttemptOutcome.CANCELLED, None)]
    assert faulty.outcomes(waiting) == []
    # At most one batch more: it may have been begun before the heartbeat brought the news.
    begun = {Step.CLAIMED: 0, Step.RECOGNISING: 1, Step.COMMITTED: 2}
    assert len(faulty.step_log.begun(cancelled)) <= begun.get(step, 7) + 1
    assert model_processes(worker.pid) == models

    # What it had recognised is still there for whoever wants it after all.
    jobs.retry(faulty.db, owner_id=LOCAL_OWNER, job_id=cancelled)
    faulty.wait_until_all_are(JobStatus.COMPLETED, [cancelled])
    assert faulty.step_log.repeated(cancelled) <= 1


@postgresql
def test_a_job_cancelled_while_its_worker_is_frozen_is_cancelled_by_the_sweep_and_stays_so(
    faulty: FaultyInstallation,
) -> None:
    worker = faulty.start_worker()
    faulty.faults.arm(Fault(Step.RECOGNISING, Action.FREEZE_CHILD, batch=2))
    job_id = faulty.submit(recording())
    wait_for(faulty.faults.has_triggered, what="the freeze")
    frozen = faulty.step_log.begun(job_id)[-1].pid
    assert cancel(faulty.db, job_id) == JobStatus.CANCELLING
    assert faulty.wait_until_over(job_id) == JobStatus.CANCELLED
    thaw(frozen)
    wait_for(lambda: "attempt over" in worker.log, what="the frozen attempt to end")
    assert faulty.outcomes(job_id) == [(AttemptOutcome.LOST, "worker_lost")]
    assert len(faulty.step_log.begun(job_id)) == 2


@postgresql
def test_the_loaded_model_stays_and_the_next_job_starts_within_seconds(stack: Stack) -> None:
    """With the bundled model, whose batches take as long as batches take."""
    installation = Installation(stack)
    worker = stack.start_worker(LONGSCRIBE_BATCH_SIZE_S="5")
    said = meeting(240)
    short_recording = as_wav(meeting(20).samples)
    long = installation.submit(as_wav(said.samples))
    wait_for(lambda: installation.batches(long) >= 1, what="the first batch")
    first_at = time.monotonic()
    wait_for(lambda: installation.batches(long) >= 3, what="two more batches")
    batch_s = (time.monotonic() - first_at) / 2
    child = model_process(worker.pid)
    following = installation.submit(short_recording)
    cancel(installation.db, long)
    asked_at = time.monotonic()
    assert installation.wait_until_over(long) == JobStatus.CANCELLED
    ended_s = time.monotonic() - asked_at
    installation.wait_until(following, JobStatus.PROCESSING, *TERMINAL)
    started_s = time.monotonic() - asked_at
    print(
        f"\ncancelled {ended_s:.2f} s after it was asked; the next job began at {started_s:.2f} s;"
        f" a batch took {batch_s:.2f} s"
    )
    # On a busy machine the time of some batches, of which there are fifty.
    assert started_s < max(5, 10 * batch_s)
    assert installation.wait_until_over(following) == JobStatus.COMPLETED
    assert model_process(worker.pid) == child

    before = installation.view(long).job.progress
    assert before > 0  # progress is kept, for the finished segments are
    jobs.retry(installation.db, owner_id=LOCAL_OWNER, job_id=long)
    assert installation.wait_until_over(long) == JobStatus.COMPLETED, worker.log
    text = installation.transcript(long).text
    assert character_error_rate(said.text, text) <= 0.02
    assert breaches(installation.db) == []
    installation.db.dispose()
