"""Transactions of several jobs of one recording on PostgreSQL, which never wait in a circle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared import accounts, jobs
from shared.annotations import details
from shared.annotations.details import change_in
from shared.annotations.edits import owned_job
from shared.annotations.labels import keys_of
from shared.db import Database
from shared.jobs.commands import hold_with_recordings
from shared.jobs.events import NewEvent
from shared.jobs.lease import renew
from shared.jobs.transition import move
from shared.models import LOCAL_OWNER, Recording
from shared.states import EventKind, JobStatus, Stage
from shared.storage.errors import NoRoomToDecode
from shared.words.replacements import lists
from shared.words.replacements.ended_groups import hold_ended
from shared.words.replacements.pairs import Pair
from tests.support import factories
from tests.support.databases.waiting import until_it_waits
from tests.support.factories import NotedDeletions
from tests.support.people import a_person


@pytest.fixture
def db(postgresql_url: str) -> Iterator[Database]:
    database = Database(postgresql_url)
    yield database
    database.dispose()


def two_waiting(db: Database) -> tuple[str, str]:
    """Two jobs of one recording that was not decoded, in the order of their ids, as a version that
    did not refuse to try the first again left them."""
    first = factories.a_job(db, JobStatus.CANCELLED)
    second = jobs.submit_again(db, owner_id=LOCAL_OWNER, of_job=first).job_id
    with db.writing() as session:
        again = NewEvent(EventKind.RETRIED)
        move(session, first, JobStatus.CANCELLED, JobStatus.QUEUED, again, completed_at=None)
    return min(first, second), max(first, second)


def at_the_same_time(db: Database, claim: jobs.Claim, other: Callable[[], object]) -> object:
    """What `other` returns, which comes to wait for the transaction in which an attempt plans its
    recording's playable copy."""
    with ThreadPoolExecutor(1) as pool:
        with db.writing() as session:
            renew(session, claim)
            running = pool.submit(other)
            until_it_waits(session, running)
            session.execute(update(Recording).values(playable_key="a copy"))
        return running.result()


def claims(db: Database) -> dict[str, jobs.Claim]:
    both = [factories.claim(db), factories.claim(db)]
    return {claim.job_id: claim for claim in both}


def test_one_is_decoded_while_a_worker_is_on_the_other(db: Database) -> None:
    first, second = two_waiting(db)
    claimed = claims(db)
    stage = partial(jobs.set_stage, stage=Stage.RECOGNISING, duration_s=45.0)
    at_the_same_time(db, claimed[second], partial(stage, db, claimed[first]))
    at_the_same_time(db, claimed[first], partial(stage, db, claimed[second], duration_s=46.0))
    assert factories.view(db, first).job.recording.duration_s == 46.0
    assert jobs.find_drift(db) == []


def test_one_that_did_not_fit_goes_back_while_a_worker_is_on_the_other(db: Database) -> None:
    first, second = two_waiting(db)
    claimed = claims(db)
    at_the_same_time(
        db,
        claimed[second],
        partial(
            jobs.give_back,
            db,
            claimed[first],
            NoRoomToDecode(),
            delay_s=0,
            longest_delay_s=0,
            length_s=45.0,
        ),
    )
    assert factories.status_of(db, first) is JobStatus.QUEUED
    assert jobs.find_drift(db) == []


def test_both_are_to_be_deleted_while_a_worker_is_on_the_second(db: Database) -> None:
    first, second = two_waiting(db)
    claimed = claims(db)
    jobs.release(db, claimed[first])
    delete = partial(jobs.delete_all, db, NotedDeletions(), owner_id=LOCAL_OWNER)
    outcomes = at_the_same_time(db, claimed[second], partial(delete, job_ids=[first, second]))
    assert outcomes == {first: jobs.Outcome.DELETED, second: jobs.Outcome.REFUSED}
    assert factories.status_of(db, second) is JobStatus.PROCESSING


def test_one_that_is_tried_again_gets_the_tags_that_are_written_at_that_moment(
    db: Database,
) -> None:
    first = factories.a_job(db, JobStatus.COMPLETED)
    second = jobs.submit_again(db, owner_id=LOCAL_OWNER, of_job=first).job_id
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=second)
    with ThreadPoolExecutor(1) as pool:
        with db.writing() as session:
            job = owned_job(session, LOCAL_OWNER, first, with_others=True)
            session.execute(select(Recording.id).with_for_update())
            retrying = pool.submit(jobs.retry, db, owner_id=LOCAL_OWNER, job_id=second)
            until_it_waits(session, retrying)
            change_in(session, job, {"tags": ("预算",)}, editor_id=LOCAL_OWNER)
        assert retrying.result() is JobStatus.QUEUED
    page = jobs.list_jobs(db, owner_id=LOCAL_OWNER, labels=keys_of(tag="预算"))
    assert [view.job.id for view in page.jobs] == [second, first]


def test_one_that_cannot_be_deleted_gets_the_tags_that_are_written_at_that_moment(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = factories.a_job(db, JobStatus.COMPLETED)
    second = jobs.submit_again(db, owner_id=LOCAL_OWNER, of_job=first).job_id
    factories.claim(db)
    delete = partial(jobs.delete_all, db, NotedDeletions(), owner_id=LOCAL_OWNER)
    deleting: list[Future[dict[str, jobs.Outcome]]] = []

    def while_it_is_to_be_deleted(session: Session, recording_id: str) -> Sequence[str]:
        deleting.append(pool.submit(delete, job_ids=[second]))
        until_it_waits(session, deleting[0])
        return jobs_of(session, recording_id)

    jobs_of = details._jobs_of
    monkeypatch.setattr(details, "_jobs_of", while_it_is_to_be_deleted)
    with ThreadPoolExecutor(1) as pool:
        changes = {"tags": ["预算"]}
        details.change_details(
            db, owner_id=LOCAL_OWNER, job_id=first, editor_id=LOCAL_OWNER, changes=changes
        )
    assert deleting[0].result() == {second: jobs.Outcome.REFUSED}
    page = jobs.list_jobs(db, owner_id=LOCAL_OWNER, labels=keys_of(tag="预算"))
    assert [view.job.id for view in page.jobs] == [second, first]


@pytest.mark.parametrize("how", ["asked for", "expired"])
def test_one_goes_while_the_other_is_held_whose_words_are_those_of_a_deleted_group(
    db: Database, how: str
) -> None:
    owner_id = a_person(db, "Bo").id
    group = accounts.add_group(db, "Sales").id
    accounts.add_member(db, group, "Bo")
    lists.put(db, group, [Pair("甲", "1")], only=True)
    first = factories.a_job(db, JobStatus.CANCELLED, owner_id=owner_id)
    second = jobs.submit_again(db, owner_id=owner_id, of_job=first).job_id
    accounts.delete_group(db, group)
    deletions = NotedDeletions()
    delete: Callable[[], object] = (
        partial(jobs.delete, db, deletions, owner_id=owner_id, job_id=first)
        if how == "asked for"
        else partial(jobs.delete_expired, db, deletions, kept=timedelta())
    )
    with ThreadPoolExecutor(1) as pool:
        with db.writing() as session:
            hold_with_recordings(session, owner_id, [second], to_delete=True)
            deleting = pool.submit(delete)
            until_it_waits(session, deleting)
            assert hold_ended(session, [second]) == [group]
        deleting.result()
    assert deletions.keys == []
    assert [view.job.id for view in jobs.list_jobs(db, owner_id=owner_id).jobs] == [second]
