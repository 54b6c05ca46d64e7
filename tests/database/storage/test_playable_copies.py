"""The playable copy of a recording: whose bytes they are, when it is there, when it goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from shared import jobs
from shared.db import Database, database_now
from shared.errors import FenceLost
from shared.models import LOCAL_OWNER, Job, new_id
from shared.storage.blob_store import key_of
from tests.support import factories

TYPE = "audio/webm"


def a_key() -> str:
    return key_of(new_id())


def copy_of(db: Database, job_id: str) -> jobs.PlayableCopy | None:
    view = jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=job_id)
    return view.job.recording.playable


def stored(db: Database, claimed: jobs.Claim) -> jobs.PlayableCopy:
    copy = jobs.PlayableCopy(a_key(), 1234, TYPE)
    jobs.plan_playable_copy(db, claimed, copy.key)
    jobs.store_playable_copy(db, claimed, copy)
    return copy


def test_a_copy_is_there_once_its_bytes_are(db: Database) -> None:
    job_id = factories.submit(db)
    claimed = factories.claim(db)
    assert jobs.planned_playable_copy(db, claimed) == (None, False)
    key = a_key()
    jobs.plan_playable_copy(db, claimed, key)
    assert jobs.planned_playable_copy(db, claimed) == (key, False)
    assert copy_of(db, job_id) is None
    copy = jobs.PlayableCopy(key, 1234, TYPE)
    jobs.store_playable_copy(db, claimed, copy)
    assert jobs.planned_playable_copy(db, claimed) == (key, True)
    assert copy_of(db, job_id) == copy


def test_the_next_attempt_takes_the_key_that_was_chosen(db: Database) -> None:
    job_id = factories.submit(db)
    key = a_key()
    jobs.plan_playable_copy(db, factories.claim(db), key)
    factories.expire_lease(db, job_id)
    jobs.expire_leases(db, max_attempts=3)
    again = factories.claim(db)
    jobs.plan_playable_copy(db, again, a_key())
    assert jobs.planned_playable_copy(db, again) == (key, False)


def test_it_is_written_once(db: Database) -> None:
    job_id = factories.submit(db)
    claimed = factories.claim(db)
    copy = stored(db, claimed)
    jobs.store_playable_copy(db, claimed, replace(copy, size_bytes=99))
    assert copy_of(db, job_id) == copy


def test_an_attempt_that_lost_the_job_writes_none(db: Database) -> None:
    job_id = factories.submit(db)
    lost = factories.claim(db)
    key = a_key()
    jobs.plan_playable_copy(db, lost, key)
    factories.expire_lease(db, job_id)
    jobs.expire_leases(db, max_attempts=3)
    with pytest.raises(FenceLost):
        jobs.store_playable_copy(db, lost, jobs.PlayableCopy(key, 1, TYPE))
    with pytest.raises(FenceLost):
        jobs.plan_playable_copy(db, lost, a_key())
    assert copy_of(db, job_id) is None


@pytest.mark.parametrize("is_there", [True, False])
def test_it_goes_with_the_job_also_where_only_its_key_is_chosen(
    db: Database, is_there: bool
) -> None:
    job_id = factories.submit(db)
    claimed = factories.claim(db)
    key = a_key()
    jobs.plan_playable_copy(db, claimed, key)
    if is_there:
        jobs.store_playable_copy(db, claimed, jobs.PlayableCopy(key, 1234, TYPE))
    factories.complete(db, claimed)
    assert factories.delete(db, job_id) == [claimed.blob_key, key]
    assert jobs.planned_playable_copy(db, claimed) == (None, False)


def test_it_goes_with_a_selection_of_jobs(db: Database) -> None:
    job_id = factories.submit(db)
    claimed = factories.claim(db)
    copy = stored(db, claimed)
    factories.complete(db, claimed)
    blobs = factories.NotedDeletions()
    jobs.delete_all(db, blobs, owner_id=LOCAL_OWNER, job_ids=[job_id])
    assert blobs.keys == [claimed.blob_key, copy.key]


def test_it_goes_with_what_was_kept_long_enough(db: Database) -> None:
    factories.submit(db)
    claimed = factories.claim(db)
    copy = stored(db, claimed)
    factories.complete(db, claimed)
    with db.writing() as session:
        session.execute(update(Job).values(completed_at=database_now(-8 * 86400)))
    blobs = factories.NotedDeletions()
    assert jobs.delete_expired(db, blobs, kept=timedelta(days=7)) == 1
    assert blobs.keys == [claimed.blob_key, copy.key]
