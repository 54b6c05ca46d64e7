"""Several jobs of one recording: what they share, and what stays when one of them goes."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select, update

from shared import jobs
from shared.annotations.details import change_details
from shared.annotations.labels import keys_of
from shared.db import Database, database_now
from shared.errors import IdempotencyKeyReused, JobNotFound, WorkerLost
from shared.jobs import QueueLimit
from shared.models import LOCAL_OWNER, Job, Recording
from shared.quotas import monthly
from shared.quotas.errors import MonthlyQuotaUsed
from shared.quotas.limits import OwnerLimits
from shared.states import JobStatus, Stage
from shared.storage import stored_bytes
from shared.storage.errors import OtherSound, RecordingInUse
from tests.support import factories
from tests.support.factories import NotedDeletions
from tests.support.people import at_once


def again(db: Database, job_id: str, **values: object) -> str:
    return jobs.submit_again(db, owner_id=LOCAL_OWNER, of_job=job_id, **values).job_id  # type: ignore[arg-type]


def two(db: Database) -> tuple[str, str]:
    """Two completed jobs of one recording."""
    first = factories.a_job(db, JobStatus.COMPLETED)
    second = again(db, first, options={"speakers": "auto"})
    factories.complete(db, factories.claim(db))
    return first, second


def stored(db: Database) -> int:
    with db.reading() as session:
        return stored_bytes.stored_bytes(session).get(LOCAL_OWNER, 0)


@pytest.mark.parametrize("ended", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_another_job_recognises_the_same_recording(db: Database, ended: JobStatus) -> None:
    first = factories.a_job(db, ended)
    second = again(db, first, options={"speakers": "auto"}, hotwords=["王敏"])
    claimed = factories.claim(db)
    shown = factories.view(db, first).job
    assert (claimed.job_id, claimed.blob_key) == (second, shown.recording.blob_key)
    assert claimed.options["speakers"] == "auto" and "speakers" not in shown.options
    given = jobs.claimed_hotwords(db, claimed)
    assert given is not None and given.named == ("王敏",)
    assert shown.status is ended
    assert factories.count(db, Recording) == 1 and stored(db) == shown.recording.size_bytes
    assert jobs.find_drift(db) == []
    assert [one.id for one in jobs.other_jobs(db, owner_id=LOCAL_OWNER, job_id=first)] == [second]
    assert jobs.other_jobs(db, owner_id="another", job_id=first) == []


@pytest.mark.parametrize("by_age", [False, True])
def test_the_bytes_go_with_the_last_job(db: Database, by_age: bool) -> None:
    first, second = two(db)
    key, size = factories.view(db, first).job.recording.blob_key, stored(db)
    with db.writing() as session:
        session.execute(update(Recording).values(playable_key="a copy", playable_bytes=50))
    blobs = NotedDeletions()
    delete = partial(jobs.delete, db, blobs, owner_id=LOCAL_OWNER)
    delete(job_id=first)
    assert blobs.keys == [] and stored(db) == size + 50
    assert factories.view(db, second).job.recording.blob_key == key
    assert jobs.find_drift(db) == []
    if by_age:
        with db.writing() as session:
            session.execute(update(Job).values(completed_at=database_now(-8 * 86400)))
        assert jobs.delete_expired(db, blobs, kept=timedelta(days=7)) == 1
    else:
        delete(job_id=second)
    assert sorted(blobs.keys) == sorted([key, "a copy"]) and stored(db) == 0


def test_of_the_last_two_that_go_at_once_one_takes_the_bytes(db: Database) -> None:
    for _ in range(3):
        first, second = two(db)
        blobs = NotedDeletions()
        gone = partial(jobs.delete, db, blobs, owner_id=LOCAL_OWNER)
        at_once(partial(gone, job_id=first), partial(gone, job_id=second))
        assert len(blobs.keys) == 1 and factories.count(db, Recording) == 0


def test_what_is_said_of_a_recording_is_said_of_all_its_jobs(db: Database) -> None:
    first = factories.a_job(db, JobStatus.COMPLETED)
    change = partial(change_details, db, owner_id=LOCAL_OWNER, editor_id=LOCAL_OWNER)
    change(job_id=first, changes={"title": "周会", "tags": ["预算"]})
    second = again(db, first)
    shown = factories.view(db, second).job.recording
    assert (shown.title, shown.details.tags) == ("周会", ("预算",))

    def with_tag(tag: str) -> list[str]:
        page = jobs.list_jobs(db, owner_id=LOCAL_OWNER, labels=keys_of(tag=tag))
        return [view.job.id for view in page.jobs]

    assert with_tag("预算") == [second, first]
    change(job_id=second, changes={"tags": ["计划"]})
    assert (with_tag("预算"), with_tag("计划")) == ([], [second, first])


def test_one_at_a_time_with_the_same_sound_by_its_owner(db: Database) -> None:
    first = factories.a_job(db, JobStatus.COMPLETED, options={"tracks": 2})
    for other in ({}, {"tracks": "each"}, {"tracks": 2, "channels": 1}):
        with pytest.raises(OtherSound):
            again(db, first, options=other)
    with pytest.raises(JobNotFound):
        jobs.submit_again(db, owner_id="another", of_job=first)
    second = again(db, first, options={"tracks": 2, "channels": "each"}, idempotency_key="k")
    assert (
        again(db, first, options={"tracks": 2, "channels": "each"}, idempotency_key="k") == second
    )
    with pytest.raises(IdempotencyKeyReused):
        again(db, first, options={"tracks": 2}, idempotency_key="k")
    for job_id in (first, second):
        with pytest.raises(RecordingInUse):
            again(db, job_id, options={"tracks": 2})


def test_of_two_who_ask_at_once_one_is_refused(db: Database) -> None:
    first = factories.a_job(db, JobStatus.COMPLETED)

    def ask() -> str | None:
        try:
            return again(db, first)
        except RecordingInUse:
            return None

    made = at_once(ask, ask, ask)
    assert len([job_id for job_id in made if job_id]) == 1
    assert factories.count(db, Job) == 2


def test_one_is_not_tried_again_while_another_waits_or_runs(db: Database) -> None:
    first = factories.a_job(db, JobStatus.CANCELLED)
    second = again(db, first)
    retry = partial(jobs.retry, db, owner_id=LOCAL_OWNER)
    with pytest.raises(RecordingInUse):
        retry(job_id=first)
    claimed = factories.claim(db)
    assert claimed.job_id == second
    with pytest.raises(RecordingInUse):
        retry(job_id=first)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=second)
    jobs.cancelled(db, claimed)
    outcomes = jobs.retry_all(db, owner_id=LOCAL_OWNER, job_ids=[first, second])
    assert sorted(outcomes.values()) == [jobs.Outcome.IN_USE, jobs.Outcome.QUEUED]


def test_of_two_that_are_tried_again_at_once_one_is_refused(db: Database) -> None:
    first = factories.a_job(db, JobStatus.CANCELLED)
    second = again(db, first)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=second)

    def is_queued(job_id: str) -> bool:
        try:
            return jobs.retry(db, owner_id=LOCAL_OWNER, job_id=job_id) is JobStatus.QUEUED
        except RecordingInUse:
            return False

    queued = at_once(partial(is_queued, first), partial(is_queued, second))
    assert sorted(queued) == [False, True]


def test_what_was_decoded_counts_once_more_and_within_the_quota(db: Database) -> None:
    limit = QueueLimit(0.0, 1e6, 30.0, OwnerLimits(monthly_s=100.0))
    first = factories.submit(db, told_s=40.0, limit=limit)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=first)
    second = again(db, first, limit=limit)  # as if the first were tried again
    assert monthly.used_by_owner(db) == {LOCAL_OWNER: 40.0}
    claimed = factories.claim(db)
    jobs.set_stage(db, claimed, Stage.RECOGNISING, progress=0.2, duration_s=45.0)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=second)
    jobs.cancelled(db, claimed)
    assert monthly.used_by_owner(db) == {LOCAL_OWNER: 45.0}
    third = again(db, second, limit=limit)
    assert monthly.used_by_owner(db) == {LOCAL_OWNER: 90.0}
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=third)
    with pytest.raises(MonthlyQuotaUsed):
        again(db, third, limit=limit)
    assert monthly.used_by_owner(db) == {LOCAL_OWNER: 90.0}
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 3


def test_one_tried_again_after_another_was_decoded_counts_too(db: Database) -> None:
    limit = QueueLimit(0.0, 1e6, 30.0, OwnerLimits(monthly_s=100.0))
    first = factories.submit(db, told_s=40.0, limit=limit)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=first)
    second = again(db, first, limit=limit)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=second)
    retry = partial(jobs.retry, db, owner_id=LOCAL_OWNER, limit=limit)
    for job_id in (first, second):  # of those that nobody has decoded one counts
        retry(job_id=job_id)
        jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)
    retry(job_id=second)
    decode_and_fail(db, 45.0)
    retry(job_id=second)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=second)
    assert monthly.used_by_owner(db) == {LOCAL_OWNER: 45.0}
    for _ in range(2):
        retry(job_id=first)
        decode_and_fail(db, 45.0)
        assert monthly.used_by_owner(db) == {LOCAL_OWNER: 90.0}


def test_one_tried_again_for_which_the_month_has_no_room_left_is_refused(db: Database) -> None:
    limit = QueueLimit(0.0, 1e6, 30.0, OwnerLimits(monthly_s=80.0))
    first = factories.submit(db, told_s=40.0, limit=limit)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=first)
    again(db, first, limit=limit)
    factories.complete(db, factories.claim(db))
    factories.submit(db, told_s=60.0, limit=limit)
    with pytest.raises(MonthlyQuotaUsed):
        jobs.retry(db, owner_id=LOCAL_OWNER, job_id=first, limit=limit)
    outcomes = jobs.retry_all(db, owner_id=LOCAL_OWNER, job_ids=[first], limit=limit)
    assert outcomes == {first: jobs.Outcome.NO_HOURS}
    assert factories.status_of(db, first) is JobStatus.CANCELLED


def decode_and_fail(db: Database, duration_s: float) -> None:
    """Let a worker decode the recording of the job that waits, and fail with it."""
    claimed = factories.claim(db)
    jobs.set_stage(db, claimed, Stage.RECOGNISING, progress=0.2, duration_s=duration_s)
    jobs.fail(db, claimed, WorkerLost())
