"""A worker that dies or hangs once the words are there: nothing is recognised or punctuated again,
and a text that cannot be punctuated is kept without marks."""

from __future__ import annotations

import pytest

from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.staged import Deed, Fault, Staged, Step, recording

LOST = (AttemptOutcome.LOST, "worker_lost")
STALLED = (AttemptOutcome.LOST, "stalled")
COMPLETED = (AttemptOutcome.COMPLETED, None)


def undisturbed_text(staged: Staged) -> str:
    job_id = staged.submit(recording())
    assert staged.wait_until_over(job_id) == JobStatus.COMPLETED
    return staged.transcript(job_id).text


def punctuations(staged: Staged, job_id: str) -> int:
    return len(staged.ledger.entries(Step.PUNCTUATING, job_id=job_id))


@pytest.mark.parametrize(
    ("deed", "lost", "most"),
    [(Deed.KILL_CHILD, LOST, 3), (Deed.HANG_WITH_LOCK, STALLED, 2), (Deed.KILL_CHILD, LOST, 1)],
    ids=["killed each time", "hung each time", "killed with one attempt allowed"],
)
def test_a_text_whose_punctuation_ends_its_worker_is_kept_without_marks(
    staged: Staged, deed: Deed, lost: tuple[str, str], most: int
) -> None:
    staged.max_attempts = max(most, 2)
    settings = {"LONGSCRIBE_MAX_ATTEMPTS": str(most)}
    if deed is Deed.HANG_WITH_LOCK:
        settings |= {"LONGSCRIBE_STALL_S": "3", "LONGSCRIBE_LEASE_S": "60"}
    worker = staged.start_worker(**settings)
    staged.faults.arm(Fault(Step.PUNCTUATING, deed, each_time=True))
    job_id = staged.submit(recording())
    assert staged.wait_until_over(job_id, seconds=90) == JobStatus.COMPLETED, worker.log
    tries = max(most - 1, 1)
    assert staged.outcomes(job_id) == [lost] * tries + [COMPLETED]
    assert punctuations(staged, job_id) == tries
    assert staged.ledger.repeated(job_id) == 0
    assert staged.view(job_id).job.warnings == ["punctuation_failed"]
    staged.faults.disarm()
    text = undisturbed_text(staged)
    assert staged.transcript(job_id).text == text.replace("。", "") != text


def test_a_worker_killed_before_it_stores_the_transcript_punctuates_no_second_time(
    staged: Staged,
) -> None:
    worker = staged.start_worker()
    staged.faults.arm(Fault(Step.FINISHING, Deed.KILL_CHILD))
    job_id = staged.submit(recording())
    assert staged.wait_until_over(job_id) == JobStatus.COMPLETED, worker.log
    assert staged.outcomes(job_id) == [LOST, COMPLETED]
    assert punctuations(staged, job_id) == 1
    assert staged.ledger.repeated(job_id) == 0
    assert staged.view(job_id).job.warnings == []
    assert staged.transcript(job_id).text == undisturbed_text(staged)
