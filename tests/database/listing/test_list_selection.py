"""Several jobs cancelled, retried or deleted at once, on both databases."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from shared import jobs
from shared.db import Database
from shared.jobs import Outcome, commands
from shared.jobs.deletion import delete
from shared.models import LOCAL_OWNER, Job, Recording
from shared.states import JobStatus
from tests.support import factories


@pytest.fixture
def of(db: Database) -> dict[JobStatus, str]:
    """A job in each state; the waiting one last, for it would be claimed."""
    states = sorted(JobStatus, key=lambda status: status is JobStatus.QUEUED)
    return {status: factories.a_job(db, status) for status in states}


def by_status(of: dict[JobStatus, str], outcomes: dict[str, Outcome]) -> dict[JobStatus, Outcome]:
    return {status: outcomes[job_id] for status, job_id in of.items()}


def test_each_cancelled_job_is_told_and_each_that_had_ended(
    db: Database, of: dict[JobStatus, str]
) -> None:
    outcomes = jobs.cancel_all(db, owner_id=LOCAL_OWNER, job_ids=of.values())
    assert by_status(of, outcomes) == {
        JobStatus.QUEUED: Outcome.CANCELLED,
        JobStatus.PROCESSING: Outcome.CANCELLING,
        JobStatus.CANCELLING: Outcome.CANCELLING,
        JobStatus.COMPLETED: Outcome.REFUSED,
        JobStatus.FAILED: Outcome.REFUSED,
        JobStatus.CANCELLED: Outcome.REFUSED,
    }
    assert factories.status_of(db, of[JobStatus.QUEUED]) is JobStatus.CANCELLED
    assert factories.status_of(db, of[JobStatus.PROCESSING]) is JobStatus.CANCELLING
    assert factories.status_of(db, of[JobStatus.COMPLETED]) is JobStatus.COMPLETED


def test_failed_and_cancelled_jobs_are_queued_again_and_no_others(
    db: Database, of: dict[JobStatus, str]
) -> None:
    outcomes = jobs.retry_all(db, owner_id=LOCAL_OWNER, job_ids=of.values())
    queued = {status for status, how in by_status(of, outcomes).items() if how is Outcome.QUEUED}
    assert queued == {JobStatus.FAILED, JobStatus.CANCELLED}
    assert factories.status_of(db, of[JobStatus.FAILED]) is JobStatus.QUEUED


def test_jobs_are_deleted_with_their_recordings_but_for_those_that_run(
    db: Database, of: dict[JobStatus, str]
) -> None:
    blobs = factories.NotedDeletions()
    outcomes = jobs.delete_all(db, blobs, owner_id=LOCAL_OWNER, job_ids=of.values())
    refused = {status for status, how in by_status(of, outcomes).items() if how is Outcome.REFUSED}
    assert refused == {JobStatus.PROCESSING, JobStatus.CANCELLING}
    assert len(blobs.keys) == 4
    assert factories.count(db, Job) == factories.count(db, Recording) == 2


def test_anothers_jobs_and_those_that_are_gone_are_not_there(db: Database) -> None:
    theirs = factories.submit(db, owner_id="b")
    asked = [theirs, "gone"]
    for ask in (jobs.cancel_all, jobs.retry_all):
        outcomes = ask(db, owner_id=LOCAL_OWNER, job_ids=asked)
        assert outcomes == dict.fromkeys(asked, Outcome.GONE)
    blobs = factories.NotedDeletions()
    outcomes = jobs.delete_all(db, blobs, owner_id=LOCAL_OWNER, job_ids=asked)
    assert (outcomes, blobs.keys) == (dict.fromkeys(asked, Outcome.GONE), [])
    assert factories.status_of(db, theirs, owner_id="b") is JobStatus.QUEUED


def test_more_than_fit_into_a_transaction_are_all_asked(db: Database) -> None:
    submitted = [factories.submit(db) for _ in range(45)]
    outcomes = jobs.cancel_all(db, owner_id=LOCAL_OWNER, job_ids=submitted * 2)
    assert outcomes == dict.fromkeys(submitted, Outcome.CANCELLED)


def test_files_of_those_that_are_gone_go_though_the_database_fails_later(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_AT_ONCE", 1)
    first, second = (factories.submit(db) for _ in range(2))
    key = factories.view(db, first).job.recording.blob_key
    hold = delete.hold_with_recordings

    def fail_for_the_second(session: Session, owner: str, some: Sequence[str], **how: bool) -> None:
        if second in some:
            raise OperationalError("SELECT", {}, Exception("gone"))
        hold(session, owner, some, **how)

    monkeypatch.setattr(delete, "hold_with_recordings", fail_for_the_second)
    blobs = factories.NotedDeletions()
    with pytest.raises(OperationalError):
        jobs.delete_all(db, blobs, owner_id=LOCAL_OWNER, job_ids=[first, second])
    assert blobs.keys == [key]
    assert factories.status_of(db, second) is JobStatus.QUEUED
