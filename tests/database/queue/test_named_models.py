"""Jobs that name the model that is to recognise them, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import DBAPIError

from shared import jobs
from shared.db import Database, database_now
from shared.errors import IdempotencyKeyReused
from shared.jobs.eta.snapshot import _about
from shared.jobs.known_models import ModelChoiceUnavailable, UnknownModel
from shared.jobs.scheduling import approximate_places, next_job
from shared.models import LOCAL_OWNER, Attempt, Job, WorkerSeen
from shared.states import JobStatus, Obstacle, WaitReason
from tests.support import factories
from tests.support.databases.many_jobs import make_many_jobs


@pytest.fixture
def models(db: Database) -> Database:
    """A database with a worker of each of two models."""
    factories.a_worker(db, "one", model="large")
    factories.a_worker(db, "two", model="small")
    return db


def forget(db: Database, worker: str) -> None:
    """Let a worker be gone for a minute."""
    with db.writing() as session:
        session.execute(
            update(WorkerSeen).where(WorkerSeen.name == worker).values(seen_at=database_now(-60))
        )


def taken(db: Database, model: str | None) -> str | None:
    claim = jobs.claim_next(db, worker="w", lease_s=60, model=model)
    return None if claim is None else claim.job_id


class TestClaim:
    def test_a_worker_takes_what_names_its_model_or_none(self, models: Database) -> None:
        large = factories.submit(models, model="large")
        small = factories.submit(models, model="small")
        free = factories.submit(models)
        assert [taken(models, "small") for _ in range(3)] == [small, free, None]
        assert taken(models, None) is None
        claim = factories.claim(models, model="large")
        assert (claim.job_id, claim.model) == (large, "large")
        assert factories.row(models, large).attempts[0].model == "large"

    def test_of_what_it_may_take_the_order_is_that_of_all_jobs(self, models: Database) -> None:
        first = factories.submit(models, owner_id="a", model="large")
        second = factories.submit(models, owner_id="a")
        others = factories.submit(models, owner_id="b", model="large")
        urgent = factories.submit(models, owner_id="c", priority=3)
        order = [taken(models, "large") for _ in range(4)]
        assert order == [urgent, first, others, second]

    @pytest.mark.parametrize("many_owners", [next_job.MANY_OWNERS, 0])
    def test_one_who_waits_for_an_absent_model_holds_up_nobody(
        self, models: Database, monkeypatch: pytest.MonkeyPatch, many_owners: int
    ) -> None:
        monkeypatch.setattr(next_job, "MANY_OWNERS", many_owners)
        for _ in range(3):
            factories.submit(models, owner_id="a", model="large", priority=5)
        own = factories.submit(models, owner_id="a")
        others = factories.submit(models, owner_id="b")
        assert [taken(models, "small") for _ in range(3)] == [own, others, None]

    def test_a_worker_of_the_version_before_cannot_take_it(self, models: Database) -> None:
        """It does not ask for the model; a trigger refuses the row of its attempt."""
        job_id = factories.submit(models, model="large")
        attempt = {"job_id": job_id, "number": 1, "fence": 1, "worker": "old"}
        for model in ({}, {"model": "small"}):
            with (
                pytest.raises(DBAPIError, match="the job names another model"),
                models.writing() as session,
            ):
                session.execute(insert(Attempt).values(**attempt, **model))
        assert taken(models, "large") == job_id

    def test_a_retry_and_a_lost_attempt_keep_the_model(self, models: Database) -> None:
        job_id = factories.submit(models, model="large")
        assert taken(models, "large") == job_id
        factories.expire_lease(models, job_id)
        jobs.expire_leases(models, max_attempts=3)
        assert taken(models, "small") is None
        jobs.cancel(models, owner_id=LOCAL_OWNER, job_id=job_id)
        jobs.retry(models, owner_id=LOCAL_OWNER, job_id=job_id)
        assert taken(models, "small") is None
        assert taken(models, "large") == job_id

    def test_a_worker_rings_for_what_it_may_take(self, models: Database) -> None:
        for model in ("large", "large", "small", None):
            factories.submit(models, model=model)
        counted = jobs.claimable_jobs(models, most=9, model="large")
        assert (counted.for_any, counted.of_model) == (1, 2)
        assert jobs.claimable_jobs(models, most=1, model="large").of_model == 1
        assert jobs.claimable_jobs(models, most=9).of_model == 0


class TestSubmission:
    def test_one_that_a_worker_ran_lately_may_be_named(self, models: Database) -> None:
        forget(models, "one")
        job_id = factories.submit(models, model="large")
        assert factories.view(models, job_id).job.model == "large"
        known = {one.name: (one.workers, one.jobs_at_once) for one in _known(models)}
        assert known == {"large": (0, 0), "small": (1, 1)}

    def test_another_is_refused_with_the_choices_and_nothing_is_kept(
        self, models: Database
    ) -> None:
        with pytest.raises(UnknownModel, match=r"'huge'\. Known: large, small") as refused:
            factories.submit(models, model="huge")
        assert refused.value.param == "model"
        assert factories.count(models, Job) == 0

    def test_it_is_refused_while_a_worker_lives_that_takes_any_job(self, models: Database) -> None:
        factories.a_worker(models, "old", model=None)
        limit = jobs.QueueLimit(0.0, 1e6, seen_within_s=30.0)
        with pytest.raises(ModelChoiceUnavailable, match="old"):
            factories.submit(models, model="large", limit=limit)
        factories.submit(models, limit=limit)
        forget(models, "old")
        factories.submit(models, model="large", limit=limit)

    def test_a_key_is_of_one_model(self, models: Database) -> None:
        blob = factories.a_blob()
        again = {"blob": blob, "idempotency_key": "k"}
        first = factories.submit(models, model="large", **again)
        with models.writing() as session:
            session.execute(update(WorkerSeen).values(model_name="another"))
        assert factories.submit(models, model="large", **again) == first
        with pytest.raises(IdempotencyKeyReused):
            factories.submit(models, **again)


def _known(db: Database) -> list[jobs.KnownModel]:
    return jobs.known_models(db, within_s=30)


class TestForecast:
    def test_a_job_for_an_absent_model_stands_nowhere_and_says_so(self, models: Database) -> None:
        factories.learn(models, speed=10)
        stuck = [factories.submit_lasting(models, 600, model="large") for _ in range(3)]
        free = factories.submit_lasting(models, 60)
        forget(models, "one")
        assert jobs.models_waited_for(models, within_s=30) == ["large"]
        for job_id in stuck:
            view = factories.view(models, job_id)
            assert view.waits_for is WaitReason.NO_WORKER_OF_MODEL
            assert (view.queue_position, view.eta_s) == (None, None)
        view = factories.view(models, free)
        assert (view.waits_for, view.queue_position) == (None, 1)
        assert view.eta_s == pytest.approx(6)
        factories.a_worker(models, "one", model="large")
        assert factories.view(models, stuck[0]).queue_position == 1
        assert jobs.models_waited_for(models, within_s=30) == []

    def test_where_no_worker_lives_that_is_what_is_said(self, models: Database) -> None:
        job_id = factories.submit(models, model="large")
        for worker in ("one", "two"):
            forget(models, worker)
        assert factories.view(models, job_id).waits_for is WaitReason.NO_WORKER
        assert factories.view(models, factories.submit(models)).waits_for is WaitReason.NO_WORKER

    def test_the_workers_that_may_take_it_count(self, models: Database) -> None:
        factories.learn(models, speed=10)
        named = [factories.submit_lasting(models, 100, model="small") for _ in range(2)]
        free = factories.submit_lasting(models, 200)
        times = [factories.view(models, job_id).eta_s for job_id in (*named, free)]
        assert times == [pytest.approx(10), pytest.approx(20), pytest.approx(20)]
        assert taken(models, "small") == named[0]
        views = [factories.view(models, job_id) for job_id in (named[1], free)]
        assert [view.queue_position for view in views] == [2, 1]
        assert views[1].eta_s == pytest.approx(20)

    def test_a_model_whose_workers_are_kept_from_work_has_places_and_no_times(
        self, models: Database
    ) -> None:
        factories.learn(models, speed=10)
        factories.a_worker(models, "one", model="large", obstacles=[Obstacle.NO_ROOM.value])
        waits = factories.submit_lasting(models, 100, model="large")
        view = factories.view(models, waits)
        assert (view.waits_for, view.queue_position, view.eta_s) == (None, 1, None)

    @pytest.mark.parametrize("many_owners", [next_job.MANY_OWNERS, 0])
    def test_further_back_places_count_those_for_the_same_model(
        self, models: Database, monkeypatch: pytest.MonkeyPatch, many_owners: int
    ) -> None:
        monkeypatch.setattr("shared.jobs.eta.queue_positions._MOST_SIMULATED", 2)
        monkeypatch.setattr(approximate_places, "MANY_OWNERS", many_owners)
        named = [factories.submit(models, model="large") for _ in range(4)]
        free = [factories.submit(models) for _ in range(4)]
        for _ in range(4):
            factories.submit(models, owner_id="b", model="small")
        forget(models, "two")
        for waiting in (named, free):
            places = [factories.view(models, job_id).queue_position for job_id in waiting]
            assert None not in places and places == sorted(places)
        with models.reading() as session:
            others = session.scalars(select(Job.id).where(Job.owner_id == "b")).all()
        for job_id in others:
            view = factories.view(models, job_id, owner_id="b")
            assert view.job.status is JobStatus.QUEUED
            assert (view.queue_position, view.waits_for) == (None, WaitReason.NO_WORKER_OF_MODEL)


def test_no_poll_reads_all_jobs_to_see_that_none_names_a_model(db: Database) -> None:
    if db.is_sqlite:
        return  # it is told which index to take
    make_many_jobs(db, ended=0, waiting=3_000)
    with db.writing() as session:
        # As after the migration: nothing is known of the column yet.
        session.execute(
            text(
                "DELETE FROM pg_statistic USING pg_attribute "
                "WHERE (starelid, staattnum) = (attrelid, attnum) "
                "AND attrelid = 'jobs'::regclass AND attname = 'model'"
            )
        )
    with db.reading() as session:
        asked = _about(60.0, of_an_owner=False).compile(session.get_bind())
        plan = session.connection().exec_driver_sql(f"EXPLAIN {asked}", asked.params)
        assert "Seq Scan on jobs" not in "\n".join(plan.scalars())
