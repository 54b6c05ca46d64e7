"""A worker that dies or hangs once the words are there: nothing is recognised or punctuated again,
and a text that cannot be punctuated is kept without marks."""

from __future__ import annotations

import pytest

from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.faulty_installation import (
    Action,
    Fault,
    FaultyInstallation,
    Step,
    recording,
)

LOST = (AttemptOutcome.LOST, "worker_lost")
STALLED = (AttemptOutcome.LOST, "stalled")
COMPLETED = (AttemptOutcome.COMPLETED, None)


def undisturbed_text(faulty: FaultyInstallation) -> str:
    job_id = faulty.submit(recording())
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED
    return faulty.transcript(job_id).text


def punctuations(faulty: FaultyInstallation, job_id: str) -> int:
    return len(faulty.step_log.entries(Step.PUNCTUATING, job_id=job_id))


@pytest.mark.parametrize(
    ("action", "lost", "most"),
    [
        (Action.KILL_CHILD, LOST, 3),
        (Action.HANG_WITH_LOCK, STALLED, 2),
        (Action.KILL_CHILD, LOST, 1),
    ],
    ids=["killed each time", "hung each time", "killed with one attempt allowed"],
)
def test_a_text_whose_punctuation_ends_its_worker_is_kept_without_marks(
    faulty: FaultyInstallation, action: Action, lost: tuple[str, str], most: int
) -> None:
    faulty.max_attempts = max(most, 2)
    settings = {"LONGSCRIBE_MAX_ATTEMPTS": str(most)}
    if action is Action.HANG_WITH_LOCK:
        settings |= {"LONGSCRIBE_STALL_S": "10", "LONGSCRIBE_LEASE_S": "60"}
    worker = faulty.start_worker(**settings)
    faulty.faults.arm(Fault(Step.PUNCTUATING, action, each_time=True))
    job_id = faulty.submit(recording())
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    tries = max(most - 1, 1)
    assert faulty.outcomes(job_id) == [lost] * tries + [COMPLETED]
    assert punctuations(faulty, job_id) == tries
    assert faulty.step_log.repeated(job_id) == 0
    assert faulty.view(job_id).job.warnings == ["punctuation_failed"]
    faulty.faults.disarm()
    text = undisturbed_text(faulty)
    assert faulty.transcript(job_id).text == text.replace("。", "") != text


def test_a_worker_killed_before_it_stores_the_transcript_punctuates_no_second_time(
    faulty: FaultyInstallation,
) -> None:
    worker = faulty.start_worker()
    faulty.faults.arm(Fault(Step.FINISHING, Action.KILL_CHILD))
    job_id = faulty.submit(recording())
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    assert faulty.outcomes(job_id) == [LOST, COMPLETED]
    assert punctuations(faulty, job_id) == 1
    assert faulty.step_log.repeated(job_id) == 0
    assert faulty.view(job_id).job.warnings == []
    assert faulty.transcript(job_id).text == undisturbed_text(faulty)
