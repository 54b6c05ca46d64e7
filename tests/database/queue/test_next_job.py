"""Which job is claimed next, compared with the plain definition of the order, on both databases."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, insert, or_, select, update

from shared import jobs
from shared.db import Database, database_now
from shared.jobs.scheduling import next_job
from shared.models import Job, OwnerTurn, Recording
from shared.states import RUNNING, JobStatus
from tests.support import factories

OWNERS = [f"owner {n}" for n in range(9)]
MODELS = ["large", "small"]


def by_definition(db: Database, model: str) -> str | None:
    """The next job as the order is defined, found by looking at every one that waits."""
    running = (
        select(Job.owner_id, func.count().label("jobs"))
        .where(Job.status.in_([status.value for status in RUNNING]))
        .group_by(Job.owner_id)
        .subquery()
    )
    with db.reading() as session:
        return session.scalar(
            select(Job.id)
            .outerjoin(running, running.c.owner_id == Job.owner_id)
            .outerjoin(OwnerTurn, OwnerTurn.owner_id == Job.owner_id)
            .where(
                Job.status == JobStatus.QUEUED.value,
                Job.available_at <= database_now(),
                or_(Job.model.is_(None), Job.model == model),
            )
            .order_by(
                Job.priority.desc(),
                func.coalesce(running.c.jobs, 0),
                func.coalesce(OwnerTurn.number, 0),
                Job.queued_at,
                Job.id,
            )
            .limit(1)
        )


def chosen(db: Database, model: str) -> str | None:
    with db.reading() as session:
        return next_job.next_job(session, db, model=model)


def fill(db: Database, chance: random.Random) -> None:
    """A queue of any kind: some owners with much, some with nothing, some with all put off, some
    jobs for workers of one model."""
    with db.writing() as session:
        for owner in OWNERS:
            patient = chance.random() < 0.2
            for _ in range(chance.choice([0, 1, 1, 2, 12])):
                blob = factories.a_blob()
                recording = Recording(
                    owner_id=owner,
                    blob_key=blob.key,
                    filename="f",
                    size_bytes=1,
                    sha256=blob.sha256,
                )
                later_s = 3600.0 if patient or chance.random() < 0.2 else 0.0
                session.add(
                    Job(
                        owner_id=owner,
                        recording=recording,
                        priority=chance.choice([-1, 0, 0, 0, 0, 3]),
                        model=chance.choice([None, None, None, *MODELS]),
                        request_digest="d",
                        queued_at=database_now(-chance.choice([5.0, 60.0, chance.random()])),
                        available_at=database_now(later_s),
                    )
                )
            if chance.random() < 0.6:
                number = chance.randrange(5)
                session.execute(insert(OwnerTurn).values(owner_id=owner, number=number))
        session.flush()
        ids = session.scalars(select(Job.id)).all()
        for job_id in chance.sample(ids, len(ids) // 5):
            session.execute(
                update(Job).where(Job.id == job_id).values(status=JobStatus.PROCESSING.value)
            )


@pytest.mark.parametrize("many_owners", [next_job.MANY_OWNERS, 3])
@pytest.mark.parametrize("seed", range(6))
def test_the_choice_is_that_of_the_definition_until_the_queue_is_empty(
    db: Database, monkeypatch: pytest.MonkeyPatch, seed: int, many_owners: int
) -> None:
    monkeypatch.setattr(next_job, "MANY_OWNERS", many_owners)
    chance = random.Random(seed)
    fill(db, chance)
    for model in (chance.choice(MODELS) for _ in range(1_000)):
        if (expected := by_definition(db, model)) is None:
            break
        assert chosen(db, model) == expected
        claimed = factories.claim(db, model=model)
        assert claimed.job_id == expected
        if seed % 2:
            jobs.release(db, claimed)
            with db.writing() as session:
                session.execute(
                    update(Job)
                    .where(Job.id == expected)
                    .values(available_at=database_now(3600.0), priority=-9)
                )
    for model in MODELS:
        while (expected := by_definition(db, model)) is not None:
            assert factories.claim(db, model=model).job_id == expected
        assert chosen(db, model) is None
        assert jobs.claim_next(db, worker="w", lease_s=60, model=model) is None


def test_twenty_workers_at_once_get_twenty_jobs(db: Database) -> None:
    submitted = {factories.submit(db) for _ in range(20)}
    with ThreadPoolExecutor(20) as pool:
        claimed = {claim.job_id for claim in pool.map(lambda _: factories.claim(db), range(20))}
    assert claimed == submitted


def test_a_job_that_somebody_holds_is_passed_over(postgresql_url: str) -> None:
    db = Database(postgresql_url)
    held, free = factories.submit(db), factories.submit(db)
    with db.writing() as session:
        session.scalars(select(Job.id).where(Job.id == held).with_for_update()).one()
        assert factories.claim(db).job_id == free
        assert jobs.claim_next(db, worker="w", lease_s=60) is None
    assert factories.claim(db).job_id == held
    db.dispose()
