"""Tallies of jobs and of their audio stay what counting would find, on both databases."""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select, text, update

from shared import accounts, jobs
from shared.db import Database
from shared.errors import InternalError, LongscribeError, UnsupportedMedia
from shared.jobs.tallies.counts import Counted, counted, counted_by_status
from shared.models import LOCAL_OWNER, Job, Recording, Tally
from shared.states import JobStatus
from tests.support import factories
from tests.support.factories import NotedDeletions

OWNERS = ["a", "b", "c"]


def by_counting(db: Database) -> dict[JobStatus, int]:
    with db.reading() as session:
        statuses = session.scalars(select(Job.status))
        return dict.fromkeys(JobStatus, 0) | Counter(JobStatus(status) for status in statuses)


def by_tallies(db: Database) -> dict[JobStatus, int]:
    with db.reading() as session:
        return counted_by_status(session)


def live(db: Database, chance: random.Random, steps: int) -> None:
    """What people and workers do to a queue, in any order."""
    for _ in range(steps):
        owner = chance.choice(OWNERS)
        with db.reading() as session:
            ids = session.scalars(select(Job.id).where(Job.owner_id == owner)).all()
        some = chance.sample(ids, min(len(ids), 2))
        step = chance.randrange(9)
        try:
            if step < 3:
                factories.submit_lasting(db, chance.random() * 1e4, owner_id=owner)
            elif step == 3:
                jobs.cancel_all(db, owner_id=owner, job_ids=some)
            elif step == 4:
                jobs.retry_all(db, owner_id=owner, job_ids=some)
            elif step == 5:
                jobs.delete_all(db, NotedDeletions(), owner_id=owner, job_ids=some)
            elif (claim := jobs.claim_next(db, worker="w", lease_s=60)) is not None:
                _work_on(db, claim, chance)
        except LongscribeError:
            pass  # another was quicker


def _work_on(db: Database, claim: jobs.Claim, chance: random.Random) -> None:
    end = chance.randrange(5)
    if end == 0:
        factories.complete(db, claim)
    elif end == 1:
        jobs.fail(db, claim, UnsupportedMedia())
    elif end == 2:
        jobs.retry_later(db, claim, InternalError(), max_attempts=3, delay_s=0)
    elif end == 3:
        factories.expire_lease(db, claim.job_id)
        jobs.expire_leases(db, max_attempts=2)


def test_whatever_happens_to_jobs_is_counted(db: Database) -> None:
    live(db, random.Random(1), 80)
    assert by_tallies(db) == by_counting(db)
    assert jobs.find_drift(db) == []
    jobs.fold(db)
    assert by_tallies(db) == by_counting(db)
    assert jobs.find_drift(db) == []


def test_whatever_several_do_at_once_is_counted_while_another_folds(db: Database) -> None:
    def take_part(number: int) -> None:
        for round_ in range(5):
            live(db, random.Random(10 * number + round_), 8)
            jobs.fold(db)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(take_part, range(5)))
    assert jobs.find_drift(db) == []
    jobs.fold(db)
    assert jobs.find_drift(db) == []
    with db.reading() as session:
        assert session.scalar(select(func.count()).where(~Tally.is_sum)) == 0
        assert all(jobs >= 0 for jobs in session.scalars(select(Tally.jobs)))


def test_an_owner_has_so_many_jobs_and_so_much_audio(db: Database) -> None:
    factories.submit_lasting(db, 60.5, owner_id="a")
    factories.submit_lasting(db, 30, owner_id="a")
    factories.submit_lasting(db, 1e12, owner_id="b")
    with db.reading() as session:
        assert counted(session, JobStatus.QUEUED, owner_id="a") == Counted(2, 90.5)
        assert counted(session, JobStatus.QUEUED, owner_id="b") == Counted(1, 1e9)
        assert counted(session, JobStatus.QUEUED) == Counted(3, 1e9 + 90.5)
        assert counted(session, JobStatus.FAILED, owner_id="a") == Counted()


def test_a_transaction_sees_what_it_changed(db: Database) -> None:
    with db.writing() as session:
        recording = Recording(
            owner_id="a", blob_key="k", filename="f", size_bytes=16_000, sha256="s"
        )
        session.add(Job(owner_id="a", recording=recording, request_digest="d"))
        session.flush()
        assert counted(session, JobStatus.QUEUED, owner_id="a") == Counted(1, 1.0)


def test_what_is_handed_over_is_counted_with_its_new_owner(db: Database) -> None:
    factories.submit_lasting(db, 60)
    factories.submit_lasting(db, 60, owner_id="b")
    assert accounts.hand_over(db, from_owner=LOCAL_OWNER, to_owner="b") == 1
    with db.reading() as session:
        assert counted(session, JobStatus.QUEUED, owner_id="b") == Counted(2, 120.0)
    assert jobs.find_drift(db) == []


def test_what_was_changed_behind_the_triggers_is_found_and_counted_again(db: Database) -> None:
    factories.submit_lasting(db, 60)
    with db.writing() as session:
        session.execute(update(Tally).values(jobs=Tally.jobs + 2, audio_ms=Tally.audio_ms - 500))
        changed = session.scalar(select(func.count()).select_from(Tally)) or 0
    missing = jobs.Drift(LOCAL_OWNER, "queued", -2 * changed, 500 * changed)
    assert jobs.find_drift(db) == [missing]
    assert jobs.recount(db) == [missing]
    assert jobs.find_drift(db) == jobs.recount(db) == []
    factories.submit_lasting(db, 60)
    with db.writing() as session:
        session.execute(text("DELETE FROM tallies"))
    jobs.recount(db)
    factories.submit_lasting(db, 60)
    assert by_tallies(db) == by_counting(db)
    assert jobs.find_drift(db) == []
