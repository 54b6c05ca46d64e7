"""kill -9 of a worker's child, its main process or both at each step, and softer ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

import pytest
from sqlalchemy import select

from shared import jobs
from shared.models import LOCAL_OWNER, Attempt, Job, JobEvent, Segment, StoredTranscript
from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.faults import ANY, Action, Fault, Step, freeze, thaw
from tests.chaos.machinery.faulty_installation import FaultyInstallation, recording
from tests.chaos.machinery.step_log import TRIGGERED
from tests.support import factories
from tests.support.stack import wait_for

long = pytest.mark.long
postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

UNDISTURBED = [(AttemptOutcome.COMPLETED, None)]
LOST_ONCE = [(AttemptOutcome.LOST, "worker_lost"), (AttemptOutcome.COMPLETED, None)]

SPANS = 4

Steps = Sequence[tuple[Step, int]]
"""Steps, and of which batch."""

FEW: Steps = [
    (Step.CLAIMED, 0),
    (Step.COMMITTING, 2),
    (Step.COMMITTED, 2),
    (Step.COMPLETING, 0),
    (Step.FINISHED, 0),
]
ALL: Steps = [
    *FEW,
    (Step.RECOGNISING, 1),
    (Step.RECOGNISED, 1),
    (Step.COMMITTED, SPANS),
    (Step.PUNCTUATING, 0),
    (Step.FINISHING, 0),
]

REPEATS = {Step.RECOGNISING: 1, Step.RECOGNISED: 1, Step.COMMITTING: 1}
"""Batches begun twice: the one that was begun and not committed."""


@pytest.mark.parametrize(
    ("database_url", "action", "steps"),
    [
        pytest.param("postgresql", Action.KILL_CHILD, FEW, id="child"),
        pytest.param("sqlite", Action.KILL_CHILD, FEW, id="child-sqlite"),
        pytest.param("postgresql", Action.KILL_MAIN, FEW, id="main"),
        pytest.param("postgresql", Action.KILL_GROUP, FEW, id="group"),
        pytest.param("postgresql", Action.KILL_CHILD, ALL, id="child-all", marks=long),
        pytest.param("sqlite", Action.KILL_CHILD, ALL, id="child-sqlite-all", marks=long),
        pytest.param("postgresql", Action.KILL_MAIN, ALL, id="main-all", marks=long),
        pytest.param("sqlite", Action.KILL_MAIN, ALL, id="main-sqlite-all", marks=long),
        pytest.param("postgresql", Action.KILL_GROUP, ALL, id="group-all", marks=long),
        pytest.param("sqlite", Action.KILL_GROUP, ALL, id="group-sqlite-all", marks=long),
    ],
    indirect=["database_url"],
)
def test_kill_9_anywhere_costs_at_most_a_batch_and_no_word(
    faulty: FaultyInstallation, action: Action, steps: Steps
) -> None:
    """One job is killed at each step, and one worker, which is started again, does them all: the
    others wait meanwhile."""
    faulty.faults.arm(Fault(Step.CLAIMING, action))  # whichever it would have been
    submitted = {}
    for step, batch in steps:
        filename = f"{step}-{batch}.wav"
        faulty.faults.arm(Fault(step, action, batch=batch), filename=filename)
        submitted[filename] = faulty.submit(recording(len(submitted), SPANS), filename=filename)
    faulty.start_worker(supervised=action is not Action.KILL_CHILD)
    faulty.wait_until_all_are(JobStatus.COMPLETED, submitted.values())
    assert faulty.faults.has_triggered(filename=ANY)
    for filename, job_id in submitted.items():
        assert faulty.faults.has_triggered(filename=filename), filename
        step = Step(filename.partition("-")[0])
        expected = UNDISTURBED if step is Step.FINISHED else LOST_ONCE
        assert faulty.outcomes(job_id) == expected, filename
        assert faulty.step_log.repeated(job_id) == REPEATS.get(step, 0), filename


@postgresql
@pytest.mark.parametrize("action", [Action.KILL_CHILD, Action.KILL_MAIN])
def test_a_recording_that_kills_the_worker_each_time_fails_and_the_others_go_on(
    faulty: FaultyInstallation, action: Action
) -> None:
    poison = "poison.wav"
    faulty.faults.arm(Fault(Step.RECOGNISING, action, batch=2, each_time=True), filename=poison)
    before = faulty.submit(recording(1, SPANS))
    poisoned = faulty.submit(recording(2, SPANS), filename=poison)
    after = [faulty.submit(recording(seed, SPANS)) for seed in (3, 4)]
    worker = faulty.start_worker(supervised=True)
    assert faulty.wait_until_over(poisoned, seconds=300) == JobStatus.FAILED, worker.log
    faulty.wait_until_all_are(JobStatus.COMPLETED, [before, *after])
    assert faulty.outcomes(poisoned) == [(AttemptOutcome.LOST, "worker_lost")] * 3
    job = faulty.view(poisoned).job
    assert job.error_code == "worker_lost"
    assert len(faulty.step_log.entries(TRIGGERED, job_id=poisoned)) == 3
    for job_id in (before, *after):
        assert faulty.outcomes(job_id) == UNDISTURBED

    faulty.faults.disarm(filename=poison)
    jobs.retry(faulty.db, owner_id=LOCAL_OWNER, job_id=poisoned)
    faulty.wait_until_all_are(JobStatus.COMPLETED, [poisoned])
    assert faulty.step_log.repeated(poisoned) == 3  # the one batch; what came before it was kept


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGHUP])
def test_a_worker_told_to_stop_keeps_the_batch_gives_the_lease_back_and_another_goes_on(
    faulty: FaultyInstallation, stop: signal.Signals
) -> None:
    """A terminal that is closed tells the children too."""
    # Not as one that nohup started, which the tests may be.
    under = ["env", "--default-signal=HUP"] if stop == signal.SIGHUP else []
    worker = faulty.start_worker(under=under, BATCH_TAKES_S="0.3", LONGSCRIBE_SOFT_SHUTDOWN_S="60")
    # Until the signal is on its way, however slow the machine is.
    faulty.faults.arm(Fault(Step.RECOGNISING, Action.HOLD, batch=3))
    job_id = faulty.submit(recording())
    wait_for(faulty.faults.has_triggered, what="the third batch")
    if stop == signal.SIGHUP:
        os.killpg(worker.pid, stop)
    else:
        worker.kill(stop)
    wait_for(lambda: "Warm shutdown" in worker.log, what="the signal to be heard")
    faulty.faults.release()
    assert worker.process.wait(120) == 0, worker.log
    job = factories.row(faulty.db, job_id)
    assert (job.status, job.lease_expires_at) == (JobStatus.QUEUED, None)
    # The batch that it was told in was finished and kept.
    begun, committed = (
        len(faulty.step_log.entries(step, job_id=job_id))
        for step in (Step.RECOGNISING, Step.COMMITTED)
    )
    assert begun == committed == job.attempts[0].batches < 8
    other = faulty.start_worker("other")
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, other.log
    assert faulty.outcomes(job_id) == [(AttemptOutcome.RELEASED, None), *UNDISTURBED]
    assert faulty.step_log.repeated(job_id) == 0
    assert factories.row(faulty.db, job_id).failed_attempts == 0


def everything_of(faulty: FaultyInstallation, job_id: str) -> list[dict[str, object]]:
    """Every row of a job, but for what its present holder's heartbeats write."""
    with faulty.db.reading() as session:
        rows = [
            *session.execute(select(Job.__table__).where(Job.id == job_id)),
            *session.execute(select(Attempt.__table__).where(Attempt.job_id == job_id)),
            *session.execute(select(Segment.__table__).where(Segment.job_id == job_id)),
            *session.execute(select(JobEvent.__table__).where(JobEvent.job_id == job_id)),
            *session.execute(
                select(StoredTranscript.__table__).where(StoredTranscript.job_id == job_id)
            ),
        ]
    return [
        {name: value for name, value in row._mapping.items() if name != "lease_expires_at"}
        for row in rows
    ]


@postgresql
@pytest.mark.parametrize(
    "step",
    [
        Step.RECOGNISED,
        Step.FINISHING,
        # With the job's row locked, until the server ends a transaction that says nothing.
        pytest.param(Step.COMMITTING, marks=long),
    ],
)
def test_a_worker_frozen_past_its_lease_writes_nothing_when_it_is_thawed(
    faulty: FaultyInstallation, step: Step
) -> None:
    old = faulty.start_worker("old")
    faulty.faults.arm(Fault(step, Action.FREEZE_CHILD, batch=2), filename="meeting.wav")
    job_id = faulty.submit(recording(spans=SPANS))
    wait_for(lambda: faulty.step_log.entries(TRIGGERED), what="the freeze")
    [frozen] = faulty.step_log.entries(TRIGGERED)
    freeze(old.pid)
    # The next holder is held before its end, so that there is something to spoil.
    faulty.faults.arm(Fault(Step.FINISHING, Action.HOLD))
    new = faulty.start_worker("new")
    wait_for(lambda: faulty.faults.has_triggered(), what="the next attempt")
    before = everything_of(faulty, job_id)
    thaw(old.pid, frozen.pid)
    wait_for(lambda: "another worker has the job" in old.log, what="the old holder to notice")
    assert everything_of(faulty, job_id) == before
    faulty.faults.release()
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, new.log
    assert faulty.outcomes(job_id) == LOST_ONCE
    assert faulty.step_log.repeated(job_id) == REPEATS.get(step, 0)
    assert faulty.step_log.entries(Step.FINISHED, job_id=job_id) == [
        entry for entry in faulty.step_log.entries(Step.FINISHED) if entry.fence == 2
    ]
