"""The checker reports each breach that it can report: made by hand, in a database each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from shared import jobs
from shared.db import Database, database_now
from shared.errors import UnsupportedMedia
from shared.models import (
    LOCAL_OWNER,
    Attempt,
    Job,
    JobEvent,
    Recording,
    Segment,
    StoredTranscript,
)
from shared.states import EventKind, JobStatus, Stage
from tests.chaos.machinery.promises import breaches
from tests.support import factories

LEASE_S = 60.0


def completed(db: Database, **values: Any) -> str:
    """A job that was lost after its first batch and completed by the next attempt."""
    job_id = factories.submit(db, **values)
    lost = factories.claim(db)
    assert lost.job_id == job_id
    spans = [(0, 16_000), (20_000, 36_000), (50_000, 58_000)]
    planned = [jobs.PlannedSegment(*span, number) for number, span in enumerate(spans)]
    jobs.store_plan(db, lost, factories.PLAN_KEY, planned, complete=True)
    _commit(db, lost, planned[:1])
    factories.expire_lease(db, job_id)
    jobs.expire_leases(db, max_attempts=3)
    claimed = factories.claim(db)
    assert claimed.job_id == job_id
    _commit(db, claimed, planned[1:])
    jobs.finish(db, claimed, factories.TRANSCRIPT)
    return job_id


def _commit(db: Database, claimed: jobs.Claim, planned: list[jobs.PlannedSegment]) -> None:
    for segment in planned:
        done = jobs.RecognisedSegment(
            segment.start_sample, segment.end_sample, segment.batch, [("好", 0.1, 0.2, None)]
        )
        jobs.save_batch(db, claimed, [done], progress=0.5)


def lost_for_good(db: Database) -> str:
    job_id = factories.submit(db)
    for _ in range(3):
        assert factories.claim(db).job_id == job_id
        factories.expire_lease(db, job_id)
        jobs.expire_leases(db, max_attempts=3)
    return job_id


def change(db: Database, model: type, *conditions: Any, **values: Any) -> None:
    with db.writing() as session:
        session.execute(
            update(model)
            .where(*conditions)
            .values(**values)
            .execution_options(synchronize_session=False)
        )


def set_job(db: Database, job_id: str, **values: Any) -> None:
    change(db, Job, Job.id == job_id, **values)


def set_attempt(db: Database, job_id: str, number: int, **values: Any) -> None:
    change(db, Attempt, Attempt.job_id == job_id, Attempt.number == number, **values)


def test_an_installation_that_kept_its_promises_has_no_breach(db: Database) -> None:
    completed(db)
    completed(db, owner_id="another")
    lost_for_good(db)
    for status in (JobStatus.CANCELLED, JobStatus.FAILED, JobStatus.COMPLETED):
        factories.a_job(db, status)
    again = factories.a_job(db, JobStatus.CANCELLED)
    jobs.retry(db, owner_id=LOCAL_OWNER, job_id=again)
    released = factories.claim(db)
    jobs.release(db, released)
    jobs.retry_later(db, factories.claim(db), UnsupportedMedia(), max_attempts=3, delay_s=0)
    cancelled = factories.claim(db)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=again)
    jobs.cancelled(db, cancelled)
    assert breaches(db, lease_s=LEASE_S, recovered_within_s=LEASE_S + 30) == []


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.PROCESSING, JobStatus.CANCELLING])
def test_a_job_without_an_end_is_a_breach_only_at_rest(db: Database, status: JobStatus) -> None:
    job_id = factories.a_job(db, status)
    assert f"job {job_id}: is {status}, no end (P1)" in breaches(db)
    assert breaches(db, at_rest=False) == []


def without_transcript(db: Database, job_id: str) -> None:
    with db.writing() as session:
        session.execute(delete(StoredTranscript).where(StoredTranscript.job_id == job_id))


def forget(db: Database, job_id: str, kind: EventKind) -> None:
    with db.writing() as session:
        session.execute(
            delete(JobEvent).where(JobEvent.job_id == job_id, JobEvent.kind == kind.value)
        )


def without_its_first_attempt(db: Database, job_id: str) -> None:
    with db.writing() as session:
        session.execute(delete(Attempt).where(Attempt.job_id == job_id, Attempt.number == 1))


def without_a_segment(db: Database, job_id: str) -> None:
    with db.writing() as session:
        session.execute(delete(Segment).where(Segment.job_id == job_id, Segment.batch == 2))


def recognised_twice(db: Database, job_id: str) -> None:
    """The second attempt writes again what the first had committed, and counts it again."""
    change(db, Segment, Segment.job_id == job_id, Segment.batch == 0, fence=2)
    set_attempt(db, job_id, 2, speech_samples=Attempt.speech_samples + 16_000, batches=3)


def completed_by_the_lost_one(db: Database, job_id: str) -> None:
    set_attempt(db, job_id, 1, outcome="completed")
    set_attempt(db, job_id, 2, outcome="lost")


OF_A_COMPLETED_JOB: dict[str, tuple[Callable[[Database, str], None], str]] = {
    "no end noted": (
        lambda db, job: set_job(db, job, completed_at=None),
        "without the time at which it ended (P1)",
    ),
    "a lease left": (
        lambda db, job: set_job(db, job, lease_expires_at=database_now()),
        "still holds a lease or a stage (P1)",
    ),
    "a stage left": (
        lambda db, job: set_job(db, job, stage=Stage.SAVING.value),
        "still holds a lease or a stage (P1)",
    ),
    "no transcript": (without_transcript, "completed and has no transcript (P2)"),
    "completed twice": (
        lambda db, job: set_attempt(db, job, 1, outcome="completed"),
        "2 of its attempts completed it (P2)",
    ),
    "completed by nobody": (
        lambda db, job: set_attempt(db, job, 2, outcome="released"),
        "0 of its attempts completed it (P2)",
    ),
    "completed by the lost one": (
        completed_by_the_lost_one,
        "completed by an attempt that was not the last (P2)",
    ),
    "an attempt without outcome": (
        lambda db, job: set_attempt(db, job, 1, outcome=None),
        "attempt 1 has no outcome or no end (P3)",
    ),
    "an attempt without end": (
        lambda db, job: set_attempt(db, job, 1, ended_at=None),
        "attempt 1 has no outcome or no end (P3)",
    ),
    "a claim without attempt": (without_its_first_attempt, "attempts' fences are [2] (P3)"),
    "a fence that fell": (
        lambda db, job: set_attempt(db, job, 1, fence=7),
        "attempts' fences are [7, 2] (P3)",
    ),
    "attempts at once": (
        lambda db, job: set_attempt(db, job, 1, ended_at=database_now(5)),
        "attempt 2 began before attempt 1 had ended (P3)",
    ),
    "time ran back": (
        lambda db, job: set_attempt(db, job, 2, ended_at=database_now(-60)),
        "attempt 2 ended before it began (P3)",
    ),
    "a segment without words": (
        lambda db, job: change(db, Segment, Segment.job_id == job, Segment.batch == 1, words=None),
        "1 planned segments have no words (P3)",
    ),
    "a segment gone": (without_a_segment, "planned 3 segments and has 2 (P3)"),
    "words from nowhere": (
        lambda db, job: change(db, Segment, Segment.job_id == job, Segment.batch == 0, fence=9),
        "has words from no counted attempt: fences ['9'] (P4)",
    ),
    "a batch committed twice": (
        recognised_twice,
        "attempt 1 counts 16000 samples as recognised, and 0 are stored as its (P4)",
    ),
    "a batch counted twice": (
        lambda db, job: set_attempt(db, job, 2, batches=3),
        "committed 4 batches for the 3 that its segments name (P4)",
    ),
    "an error code left": (
        lambda db, job: set_job(db, job, error_code="worker_lost"),
        "is completed with the error code worker_lost (P7)",
    ),
    "more attempts than allowed": (
        lambda db, job: set_job(db, job, failed_attempts=3),
        "is completed after 3 failed attempts (P7)",
    ),
    "progress left behind": (
        lambda db, job: set_job(db, job, progress=0.97),
        "is completed with progress 0.97 (P9)",
    ),
    "a loss that was not told": (
        lambda db, job: forget(db, job, EventKind.LOST),
        "attempt 1 ended as lost, and its history tells claimed 1 times",
    ),
    "a claim told twice": (
        lambda db, job: change(db, JobEvent, JobEvent.job_id == job, attempt=1, kind="claimed"),
        "attempt 1 ended as lost, and its history tells claimed",
    ),
    "an end that was not told": (
        lambda db, job: forget(db, job, EventKind.COMPLETED),
        "is completed, and its history ends with claimed",
    ),
    "a history out of order": (
        lambda db, job: change(
            db, JobEvent, JobEvent.job_id == job, JobEvent.kind == "submitted", at=database_now(5)
        ),
        "its history runs back in time",
    ),
    "an attempt after the end": (
        lambda db, job: set_job(db, job, completed_at=database_now(-60)),
        "was completed when attempt 1 started (P9)",
    ),
}


@pytest.mark.parametrize("breach", OF_A_COMPLETED_JOB)
def test_a_breach_of_a_completed_job_is_reported(db: Database, breach: str) -> None:
    job_id, other = completed(db), completed(db)
    assert breaches(db) == []
    make, sentence = OF_A_COMPLETED_JOB[breach]
    make(db, job_id)
    told = breaches(db)
    assert any(line.startswith(f"job {job_id}: ") and sentence in line for line in told), told
    assert not any(other in line for line in told)


OF_A_FAILED_JOB: dict[str, tuple[dict[str, Any], str]] = {
    "no code": ({"error_code": None}, "is failed with the error code None (P7)"),
    "no reason": ({"error_message": None}, "failed without saying why (P7)"),
    "too soon": ({"failed_attempts": 2}, "failed after 3 lost attempts of 3 (P7)"),
    "all done": ({"progress": 1.0}, "is failed with progress 1.0 (P9)"),
}


@pytest.mark.parametrize("breach", OF_A_FAILED_JOB)
def test_a_breach_of_a_failed_job_is_reported(db: Database, breach: str) -> None:
    job_id = lost_for_good(db)
    assert breaches(db) == []
    values, sentence = OF_A_FAILED_JOB[breach]
    set_job(db, job_id, **values)
    assert [line for line in breaches(db) if sentence in line]


def test_a_failed_job_whose_last_attempt_did_not_fail_is_reported(db: Database) -> None:
    job_id = lost_for_good(db)
    set_attempt(db, job_id, 3, outcome="released")
    found = breaches(db)
    assert f"job {job_id}: failed, and its last attempt's outcome is released (P7)" in found


def test_lost_attempts_below_the_limit_are_no_reason_to_fail(db: Database) -> None:
    job_id = lost_for_good(db)
    assert breaches(db, max_attempts=4) == [f"job {job_id}: failed after 3 lost attempts of 4 (P7)"]


def test_a_transcript_of_a_job_that_is_not_completed_is_reported(db: Database) -> None:
    job_id = factories.a_job(db, JobStatus.CANCELLED)
    with db.writing() as session:
        session.execute(
            insert(StoredTranscript).values(job_id=job_id, content=factories.TRANSCRIPT.to_json())
        )
    assert breaches(db) == [f"job {job_id}: is cancelled and has a transcript (P2)"]


def test_another_text_than_the_recordings_is_reported(db: Database) -> None:
    blob = factories.a_blob()
    job_id = completed(db, blob=blob)
    assert breaches(db, texts={blob.sha256: factories.TRANSCRIPT.text}) == []
    (wrong,) = breaches(db, texts={blob.sha256: "另一个"})
    assert wrong.startswith(f"job {job_id}: its text is '大家好。用GPU吗？'")
    (unknown,) = breaches(db, texts={})
    assert unknown.startswith(f"job {job_id}: nobody knows the text")


def test_a_recovery_that_took_long_is_reported(db: Database) -> None:
    job_id = completed(db)
    set_attempt(db, job_id, 1, started_at=database_now(-90), ended_at=database_now(-45))
    assert breaches(db, lease_s=10, recovered_within_s=60) == []
    (slow,) = breaches(db, lease_s=30, recovered_within_s=60)
    assert slow.startswith(f"job {job_id}: attempt 2 began ")


def test_batches_split_for_want_of_memory_are_no_breach(db: Database) -> None:
    job_id = completed(db)
    set_attempt(db, job_id, 2, oom_retries=1, batches=5)
    assert breaches(db) == []


def test_segments_of_another_model_count_for_nothing(db: Database) -> None:
    job_id = factories.submit(db)
    first = factories.claim(db)
    factories.recognise(db, first)
    jobs.release(db, first)
    second = factories.claim(db)
    jobs.store_plan(db, second, "another plan", [], complete=True)
    jobs.finish(db, second, factories.TRANSCRIPT)
    assert breaches(db) == []
    set_attempt(db, job_id, 1, discarded=False)
    assert len(breaches(db)) == 2


def test_an_owner_who_was_passed_over_is_reported(db: Database) -> None:
    def ran(owner_id: str, begin: float, end: float, *, queued: float = -100.0) -> str:
        job_id = completed_at_once(db, owner_id)
        set_attempt(db, job_id, 1, started_at=database_now(begin), ended_at=database_now(end))
        set_job(db, job_id, queued_at=database_now(queued))
        return job_id

    ran("many", -90, -50)
    single = ran("single", -45, -40)
    assert breaches(db) == []
    greedy = ran("many", -80, -60)  # while one of theirs ran and the single one waited
    assert breaches(db) == [f"job {single}: {greedy} of many was claimed before it (P8)"]
    set_job(db, single, queued_at=database_now(-83))
    assert breaches(db) == []  # it may not have been committed
    set_job(db, single, queued_at=database_now(-100))
    assert len(breaches(db)) == 1
    set_job(db, greedy, priority=1)
    assert breaches(db) == []  # it was more urgent


def completed_at_once(db: Database, owner_id: str) -> str:
    return factories.a_job(db, JobStatus.COMPLETED, owner_id=owner_id)


def test_a_recording_without_a_job_is_reported(db: Database) -> None:
    job_id = factories.a_job(db, JobStatus.CANCELLED)
    with db.writing() as session:
        session.execute(delete(Job).where(Job.id == job_id))
    with db.reading() as session:
        (recording_id,) = session.scalars(
            Recording.__table__.select().with_only_columns(Recording.id)
        )
    assert breaches(db) == [f"recording {recording_id}: no job asks for it (P1)"]
