"""The audio that an account submits in a month, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import update

from shared import accounts, jobs
from shared.accounts.errors import UnusableQuota
from shared.db import Database
from shared.errors import NoAudio, WorkerLost
from shared.jobs import QueueLimit
from shared.models import LOCAL_OWNER, MonthlyUsage, Recording
from shared.quotas import monthly
from shared.quotas.errors import MonthlyQuotaUsed
from shared.quotas.limits import OwnerLimits
from shared.states import Stage
from tests.support import factories
from tests.support.people import an_admin, at_once, quick_hashes

LIMIT = QueueLimit(0.0, 1e6, 30.0, OwnerLimits(monthly_s=100.0))


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with quick_hashes():
        yield


def submit(db: Database, length_s: float, owner_id: str = LOCAL_OWNER) -> str:
    return factories.submit(db, owner_id=owner_id, told_s=length_s, limit=LIMIT)


def used(db: Database, owner_id: str = LOCAL_OWNER) -> float:
    return monthly.used_by_owner(db).get(owner_id, 0.0)


def decode(db: Database, duration_s: float) -> jobs.Claim:
    claimed = factories.claim(db)
    jobs.set_stage(db, claimed, Stage.RECOGNISING, progress=0.2, duration_s=duration_s)
    return claimed


def test_no_more_is_taken_than_the_quota(db: Database) -> None:
    submit(db, 60)
    with pytest.raises(MonthlyQuotaUsed) as refused:
        submit(db, 41)
    full = refused.value.full
    assert (full.held, full.most, refused.value.wanted) == (60, 100, 41)
    assert refused.value.free_in_s is not None and 0 < refused.value.free_in_s <= 31 * 86_400
    submit(db, 40)
    submit(db, 100, "another")
    assert (used(db), used(db, "another")) == (100, 100)


def test_of_ten_at_once_only_those_are_taken_that_the_quota_allows(db: Database) -> None:
    answers = at_once(*[partial(submit, db, 30)] * 10)
    assert sum(isinstance(answer, str) for answer in answers) == 3
    assert sum(isinstance(answer, MonthlyQuotaUsed) for answer in answers) == 7
    assert used(db) == 90


def test_a_recording_counts_for_its_own_length_once_it_is_decoded(db: Database) -> None:
    submit(db, 60)
    claimed = decode(db, 75.5)
    assert used(db) == 75.5
    jobs.set_stage(db, claimed, Stage.RECOGNISING, progress=0.3, duration_s=75.5)
    jobs.release(db, claimed)
    decode(db, 75.5)
    assert used(db) == 75.5


def test_trying_again_cancelling_and_deleting_change_nothing(db: Database) -> None:
    job_id = submit(db, 60)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)
    jobs.retry(db, owner_id=LOCAL_OWNER, job_id=job_id, limit=LIMIT)
    assert used(db) == 60
    jobs.fail(db, decode(db, 50), WorkerLost())
    assert used(db) == 50  # it was decoded, so it keeps counting
    jobs.retry(db, owner_id=LOCAL_OWNER, job_id=job_id, limit=LIMIT)
    factories.delete(db, job_id)
    assert used(db) == 50
    with pytest.raises(MonthlyQuotaUsed):
        submit(db, 51)


def test_a_repeat_with_a_key_counts_once(db: Database) -> None:
    blob = factories.a_blob()
    for _ in range(2):
        values = {"blob": blob, "idempotency_key": "key", "told_s": 60.0, "limit": LIMIT}
        factories.submit(db, **values)
    assert used(db) == 60


def test_what_could_not_be_decoded_is_given_back_and_counts_once_it_is(db: Database) -> None:
    job_id = submit(db, 60)
    jobs.fail(db, factories.claim(db), NoAudio())
    assert used(db) == 0
    jobs.retry(db, owner_id=LOCAL_OWNER, job_id=job_id, limit=LIMIT)
    decode(db, 20)
    assert used(db) == 20


def test_an_account_has_a_quota_of_its_own(db: Database) -> None:
    anna = an_admin(db)
    accounts.set_monthly_quota(db, anna.id, 150)
    submit(db, 150, anna.id)
    with pytest.raises(MonthlyQuotaUsed):
        submit(db, 1, anna.id)
    accounts.set_monthly_quota(db, anna.id, 0)  # any
    submit(db, 1e6, anna.id)
    accounts.set_monthly_quota(db, anna.id, None)  # as the settings say
    with pytest.raises(MonthlyQuotaUsed):
        submit(db, 1, anna.id)
    for unusable in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UnusableQuota):
            accounts.set_monthly_quota(db, anna.id, unusable)


def test_each_month_begins_anew(db: Database) -> None:
    submit(db, 100)
    with db.writing() as session:
        session.execute(update(MonthlyUsage).values(month="2020-01"))
    submit(db, 100)
    assert factories.count(db, MonthlyUsage) == 2


def test_who_takes_recordings_over_takes_their_use(db: Database) -> None:
    submit(db, 60)
    anna = an_admin(db)  # takes over what was recorded before
    submit(db, 30, anna.id)
    assert (used(db), used(db, anna.id)) == (0, 90)
    decode(db, 70)
    assert used(db, anna.id) == 100


def test_recordings_of_before_do_not_count(db: Database) -> None:
    submit(db, 60)
    with db.writing() as session:
        session.execute(update(Recording).values(counted_s=None))
    decode(db, 90)
    assert used(db) == 60
