"""The sweep outlives outages, and a worker does not outlive its sweep."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import insert, select, update
from sqlalchemy.exc import OperationalError

from shared import accounts, jobs
from shared.db import Database, database_now
from shared.fetches import requests
from shared.fetches.requests import Submission
from shared.models import LOCAL_OWNER, Fetch, Job, WebhookDelivery
from shared.outbound.addresses import AddressRules
from shared.settings import Settings
from shared.states import JobStatus, Obstacle
from shared.storage import upload_cleanup
from shared.storage.local.folder import LocalFolder
from shared.webhooks import hooks, retention
from shared.webhooks.hooks import HookSettings
from shared.webhooks.outbox import delivery
from tests.support import factories
from tests.support.stack import wait_for
from worker.supervision import sweeper
from worker.supervision.monitor import Readiness
from worker.supervision.sweeper import Sweeper


def a_sweeper(
    db: Database, settings: Settings, readiness: Callable[[], Readiness] = Readiness
) -> Sweeper:
    return Sweeper(
        settings,
        db,
        Celery(),
        worker="w",
        hostname="h",
        model_name="demo",
        readiness=readiness,
    )


@pytest.fixture
def sweeping(sqlite_url: str, tmp_path: Path) -> Sweeper:
    settings = Settings(data_dir=tmp_path, lease_s=1, heartbeat_s=0.1, sweep_s=0.05)
    return a_sweeper(Database(sqlite_url), settings)


def test_an_outage_of_redis_does_not_end_the_sweep(
    sweeping: Sweeper, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database(sqlite_url)
    asked = []

    def no_redis(celery: Celery, model: str | None) -> int:
        asked.append(1)
        raise RedisConnectionError

    monkeypatch.setattr(sweeper, "waiting_doorbells", no_redis)
    factories.submit(db)
    sweeping.start()
    wait_for(lambda: len(asked) >= 3, what="three sweeps")
    sweeping.stop()
    assert [worker.name for worker in jobs.workers_seen(db, within_s=60)] == ["w"]


def test_what_a_worker_can_do_is_recorded_as_soon_as_it_changes(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeper, "waiting_doorbells", lambda celery, model: 0)
    db, found = Database(sqlite_url), [Readiness((Obstacle.STORAGE_NEW,))]
    sweeping = a_sweeper(db, Settings(data_dir=tmp_path, sweep_s=3600), lambda: found[-1])

    def obstacles() -> list[tuple[str, ...]]:
        return [worker.obstacles for worker in jobs.workers_seen(db, within_s=60)]

    sweeping.start()
    wait_for(lambda: obstacles() == [("storage_new",)], what="the first sweep")
    found.append(Readiness())
    sweeping.sweep_soon()
    wait_for(lambda: obstacles() == [()], what="another sweep")
    sweeping.stop()
    assert not sweeping.lives()


def test_it_rings_once_for_each_job_of_its_model_or_none_that_nobody_was_told_of(
    sweeping: Sweeper, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database(sqlite_url)
    waiting: list[str | None] = []
    monkeypatch.setattr(sweeper, "waiting_doorbells", lambda celery, model: waiting.count(model))
    monkeypatch.setattr(sweeper, "ring", lambda celery, name, model: waiting.append(model) or True)
    factories.a_worker(db, "of demo", model="demo")
    factories.a_worker(db, "of another", model="another")
    for model in (None, None, None, "demo", "demo", "another"):
        factories.submit(db, model=model)
    sweeping.start()
    wait_for(lambda: len(waiting) == 5, what="five doorbells")
    sweeping.stop()
    assert waiting == [None, None, None, "demo", "demo"]


@pytest.mark.parametrize("obstacle", [Obstacle.NO_ROOM, Obstacle.STORAGE_MISSING])
def test_it_rings_for_nobody_while_something_keeps_the_worker_from_work(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstacle: Obstacle
) -> None:
    db = Database(sqlite_url)
    settings = Settings(data_dir=tmp_path, lease_s=1, heartbeat_s=0.1, sweep_s=0.05)
    obstacles = [obstacle]
    asked: list[int] = []
    rung: list[str] = []

    def readiness() -> Readiness:
        asked.append(1)
        return Readiness(tuple(obstacles))

    sweeping = a_sweeper(db, settings, readiness)
    monkeypatch.setattr(sweeper, "waiting_doorbells", lambda celery, model: 0)
    monkeypatch.setattr(sweeper, "ring", lambda celery, name, model: rung.append(name) or True)
    factories.submit(db)
    sweeping.start()
    wait_for(lambda: len(asked) >= 12, what="three sweeps")
    assert rung == []
    [worker] = jobs.workers_seen(db, within_s=60)
    assert worker.obstacles == (obstacle,)
    obstacles.clear()
    wait_for(lambda: rung, what="a doorbell once it is gone")
    sweeping.stop()


def test_a_sweep_that_breaks_ends_the_worker(
    sweeping: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(sweeper.os, "kill", lambda pid, number: killed.append((pid, number)))
    monkeypatch.setattr(sweeping, "_end_expired_leases", lambda: {}["no such thing"])
    sweeping.start()
    wait_for(lambda: killed, what="the end")
    assert killed == [(os.getpid(), signal.SIGTERM)]


def test_finished_jobs_are_deleted_when_they_were_kept_long_enough(
    sqlite_url: str, tmp_path: Path
) -> None:
    db = Database(sqlite_url)
    settings = Settings(
        data_dir=tmp_path, lease_s=1, heartbeat_s=0.1, sweep_s=0.05, retention_days=7
    )
    blobs = LocalFolder(settings.recordings_dir, min_free_bytes=0)
    with blobs.receive(max_bytes=10) as incoming:
        incoming.write(b"sound")
        old = incoming.keep()
    job_id = factories.submit(db, blob=old)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)
    young = factories.a_job(db, JobStatus.COMPLETED)
    by_a_rule = factories.a_job(db, JobStatus.COMPLETED)
    with db.writing() as session:
        for one, days, values in ((job_id, 8, {}), (by_a_rule, 3, {"kept_days": 2})):
            ended = {"completed_at": database_now(-days * 86400), **values}
            session.execute(update(Job).where(Job.id == one).values(ended))
    sweeping = a_sweeper(db, settings)
    sweeping.start()
    wait_for(lambda: not (blobs.root / old.key).exists(), what="the recording to go")
    wait_for(lambda: not jobs.group_rules(db), what="the one that a group lets keep for two days")
    sweeping.stop()
    assert [view.job.id for view in jobs.list_jobs(db, owner_id=LOCAL_OWNER).jobs] == [young]


def test_nothing_is_deleted_unless_that_was_asked_for(sweeping: Sweeper, sqlite_url: str) -> None:
    db = Database(sqlite_url)
    job_id = factories.a_job(db, JobStatus.COMPLETED)
    with db.writing() as session:
        session.execute(
            update(Job).where(Job.id == job_id).values(completed_at=database_now(-4000 * 86400))
        )
    sweeping.start()
    wait_for(lambda: jobs.workers_seen(db, within_s=60), what="a sweep")
    sweeping.stop()
    assert jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=job_id).job.status == JobStatus.COMPLETED


def test_what_was_sent_and_fetched_goes_though_nothing_is_sent_or_fetched_any_more(
    sqlite_url: str, tmp_path: Path
) -> None:
    db = Database(sqlite_url)
    long_ago = database_now(-15 * 86400)
    wanted = HookSettings("https://example.org/hook")
    hook, _ = hooks.add_hook(
        db, AddressRules(), owner_id=LOCAL_OWNER, wanted=wanted, site_url="https://here.example"
    )
    told = delivery(hook.id, job_id=None, type_="job.failed", at=datetime.now(UTC), detail={})
    with db.writing() as session:
        session.execute(insert(WebhookDelivery), [told])
        session.execute(update(WebhookDelivery).values(state="delivered", ended_at=long_ago))
        session.execute(insert(WebhookDelivery), [told])
        session.execute(update(WebhookDelivery).values(due_at=long_ago))
    for state, ended_at in (("failed", long_ago), ("waiting", None)):
        fetch_id = requests.ask(
            db, owner_id=LOCAL_OWNER, url="https://a/b", filename="b", submission=Submission({})
        ).id
        values = {"state": state, "ended_at": ended_at, "due_at": long_ago}
        with db.writing() as session:
            session.execute(update(Fetch).where(Fetch.id == fetch_id).values(values))
    on: Any = {"webhooks": "allowed", "url_input": "on"}
    off: Any = {"webhooks": "forbidden", "url_input": "off"}
    for allowed, left in ((on, 1), (off, 0)):  # what waits is kept where it is sent or fetched yet
        settings = Settings(data_dir=tmp_path, lease_s=1, heartbeat_s=0.1, sweep_s=0.05, **allowed)
        sweeping = a_sweeper(db, settings)
        sweeping.start()
        for count in (partial(factories.count, db, of) for of in (WebhookDelivery, Fetch)):
            wait_for(lambda count=count, n=left: count() == n, what="the rows to go")
        sweeping.stop()


@pytest.mark.parametrize(
    ("place", "what"),
    [
        (retention, "sweep"),
        (requests, "sweep"),
        (upload_cleanup, "sweep"),
        (jobs, "delete_expired"),
        (jobs, "forget_workers"),
        (accounts, "forget_over"),
    ],
)
def test_what_failed_is_tried_again_by_the_next_sweep(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Any, what: str
) -> None:
    tried: list[str] = []

    def fail_once(*_: object, **__: object) -> int:
        tried.append(what)
        if len(tried) == 1:
            raise OSError("no answer")
        return 0

    monkeypatch.setattr(place, what, fail_once)
    settings = Settings(
        data_dir=tmp_path, lease_s=1, heartbeat_s=0.1, sweep_s=0.05, retention_days=7
    )
    sweeping = a_sweeper(Database(sqlite_url), settings)
    sweeping.start()
    wait_for(lambda: len(tried) == 2, what="the sweep after the one that failed")
    sweeping.stop()


class TestAfterAnOutage:
    """Every lease has run out by then, those of the living too."""

    @pytest.fixture
    def patient(self, sqlite_url: str, tmp_path: Path) -> Sweeper:
        """It gives a holder 2 s."""
        settings = Settings(data_dir=tmp_path, lease_s=4, heartbeat_s=1, sweep_s=0.05)
        return a_sweeper(Database(sqlite_url), settings)

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> Clock:
        made = Clock()
        monkeypatch.setattr(sweeper.time, "monotonic", lambda: made.now_s)
        return made

    def sweep(self, patient: Sweeper) -> None:
        patient._run_step(patient._begin)
        patient._run_step(patient._end_expired_leases)

    def an_expired_job(self, db: Database) -> str:
        job_id = factories.submit(db)
        factories.claim(db)
        factories.expire_lease(db, job_id)
        return job_id

    def test_holders_have_the_time_of_a_heartbeat_before_anything_is_taken_back(
        self, patient: Sweeper, sqlite_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        db = Database(sqlite_url)
        self.sweep(patient)
        clock.now_s += 60
        with monkeypatch.context() as outage:
            outage.setattr(sweeper.jobs, "begin_sweep", _out)
            self.sweep(patient)
        job_id = self.an_expired_job(db)
        for _ in range(2):
            self.sweep(patient)
            assert factories.status_of(db, job_id) == JobStatus.PROCESSING
            clock.now_s += 0.9
        clock.now_s += 0.3
        self.sweep(patient)
        assert factories.status_of(db, job_id) == JobStatus.QUEUED

    def test_a_worker_that_has_just_started_is_as_patient(
        self, patient: Sweeper, sqlite_url: str, clock: Clock
    ) -> None:
        db = Database(sqlite_url)
        job_id = self.an_expired_job(db)
        self.sweep(patient)
        assert factories.status_of(db, job_id) == JobStatus.PROCESSING
        clock.now_s += 2.1
        self.sweep(patient)
        assert factories.status_of(db, job_id) == JobStatus.QUEUED

    def test_an_answer_that_came_late_is_an_outage_too(
        self, patient: Sweeper, sqlite_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        db = Database(sqlite_url)
        self.sweep(patient)
        clock.now_s += 60
        job_id = self.an_expired_job(db)
        begin_sweep = jobs.begin_sweep

        def frozen_for_a_while(*args: Any, **values: Any) -> jobs.SweepStart:
            clock.now_s += 5
            return begin_sweep(*args, **values)

        with monkeypatch.context() as outage:
            outage.setattr(sweeper.jobs, "begin_sweep", frozen_for_a_while)
            self.sweep(patient)
        assert factories.status_of(db, job_id) == JobStatus.PROCESSING

    def test_a_leap_of_the_clock_is_an_outage_too(
        self, patient: Sweeper, sqlite_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A laptop's lid was closed: its monotonic clock stood, and the time of day did not."""
        db = Database(sqlite_url)
        self.sweep(patient)
        clock.now_s += 3
        self.sweep(patient)
        job_id = factories.submit(db)
        factories.claim(db)
        begin_sweep = jobs.begin_sweep

        def an_hour_later(*args: Any, **values: Any) -> jobs.SweepStart:
            start = begin_sweep(*args, **values)
            return replace(start, seen_at=start.seen_at + timedelta(hours=1))

        monkeypatch.setattr(sweeper.jobs, "begin_sweep", an_hour_later)
        for _ in range(2):
            self.sweep(patient)
            assert factories.status_of(db, job_id) == JobStatus.PROCESSING
            clock.now_s += 0.9
        clock.now_s += 0.3
        self.sweep(patient)
        assert factories.status_of(db, job_id) == JobStatus.QUEUED

    def test_so_is_a_stop_of_all_processes_but_not_slowness(
        self, patient: Sweeper, sqlite_url: str, clock: Clock
    ) -> None:
        db = Database(sqlite_url)
        self.sweep(patient)
        clock.now_s += 3
        self.sweep(patient)
        job_id = self.an_expired_job(db)
        clock.now_s += 60
        self.sweep(patient)
        assert factories.status_of(db, job_id) == JobStatus.PROCESSING
        clock.now_s += 60
        self.sweep(patient)
        assert factories.status_of(db, job_id) == JobStatus.QUEUED

    def test_what_ran_out_since_the_database_answered_is_left_for_the_next_sweep(
        self, patient: Sweeper, sqlite_url: str, clock: Clock
    ) -> None:
        db = Database(sqlite_url)
        self.sweep(patient)
        clock.now_s += 3
        patient._run_step(patient._begin)
        factories.submit(db)
        factories.claim(db, lease_s=0.001)
        wait_for(lambda: _expired(db), what="the lease to run out")
        patient._run_step(patient._end_expired_leases)
        assert +Counter(jobs.queue_summary(db).by_status) == {JobStatus.PROCESSING: 1}
        self.sweep(patient)
        assert +Counter(jobs.queue_summary(db).by_status) == {JobStatus.QUEUED: 1}


class Clock:
    now_s = 1000.0


def _out(*args: Any, **values: Any) -> jobs.SweepStart:
    raise OperationalError("SELECT", {}, Exception("connection refused"))


def _expired(db: Database) -> bool:
    with db.reading() as session:
        return bool(session.scalar(select(Job.id).where(Job.lease_expires_at < database_now())))
