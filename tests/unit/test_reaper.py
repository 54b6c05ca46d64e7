"""The sweep outlives outages, and a worker does not outlive its sweep."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from celery import Celery
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import update

from shared import jobs
from shared.blobs import BlobStore
from shared.db import Database, database_now
from shared.models import LOCAL_OWNER, Job
from shared.settings import Settings
from shared.states import JobStatus
from tests import factories
from tests.services import wait_for
from worker import reaper
from worker.reaper import Reaper


@pytest.fixture
def sweeping(sqlite_url: str, tmp_path: Path) -> Reaper:
    settings = Settings(data_dir=tmp_path, lease_s=1, heartbeat_s=0.1, sweep_s=0.05)
    return Reaper(settings, Database(sqlite_url), Celery(), worker="w", hostname="h")


def test_an_outage_of_redis_does_not_end_the_sweep(
    sweeping: Reaper, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database(sqlite_url)
    asked = []

    def no_redis(celery: Celery) -> int:
        asked.append(1)
        raise RedisConnectionError

    monkeypatch.setattr(reaper, "waiting_doorbells", no_redis)
    factories.submit(db)
    sweeping.start()
    wait_for(lambda: len(asked) >= 3, what="three sweeps")
    sweeping.stop()
    assert [worker.name for worker in jobs.workers_seen(db, within_s=60)] == ["w"]


def test_it_rings_once_for_each_job_that_nobody_was_told_of(
    sweeping: Reaper, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database(sqlite_url)
    waiting: list[str] = []
    monkeypatch.setattr(reaper, "waiting_doorbells", lambda celery: len(waiting))
    monkeypatch.setattr(reaper, "ring", lambda celery, name: waiting.append(name) or True)
    for _ in range(3):
        factories.submit(db)
    sweeping.start()
    wait_for(lambda: len(waiting) == 3, what="three doorbells")
    sweeping.stop()
    assert len(waiting) == 3


def test_it_rings_for_nobody_while_the_disk_is_full(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database(sqlite_url)
    settings = Settings(
        data_dir=tmp_path, lease_s=1, heartbeat_s=0.1, sweep_s=0.05, min_free_bytes=2**62
    )
    sweeping = Reaper(settings, db, Celery(), worker="w", hostname="h")
    asked: list[int] = []
    rung: list[str] = []
    monkeypatch.setattr(sweeping._blobs, "usable_bytes", lambda: asked.append(1) or 0)
    monkeypatch.setattr(reaper, "waiting_doorbells", lambda celery: 0)
    monkeypatch.setattr(reaper, "ring", lambda celery, name: rung.append(name) or True)
    factories.submit(db)
    sweeping.start()
    wait_for(lambda: len(asked) >= 3, what="three sweeps")
    assert rung == []
    monkeypatch.setattr(sweeping._blobs, "usable_bytes", lambda: 2**30)
    wait_for(lambda: rung, what="a doorbell once there is room")
    sweeping.stop()


def test_a_sweep_that_breaks_ends_the_worker(
    sweeping: Reaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(reaper.os, "kill", lambda pid, number: killed.append((pid, number)))
    monkeypatch.setattr(sweeping, "_take_back", lambda: {}["no such thing"])
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
    blobs = BlobStore(settings.recordings_dir, min_free_bytes=0)
    with blobs.receive(max_bytes=10) as incoming:
        incoming.write(b"sound")
        old = incoming.keep()
    job_id = factories.submit(db, blob=old)
    jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=job_id)
    young = factories.a_job(db, JobStatus.COMPLETED)
    with db.writing() as session:
        session.execute(
            update(Job).where(Job.id == job_id).values(completed_at=database_now(-8 * 86400))
        )
    sweeping = Reaper(settings, db, Celery(), worker="w", hostname="h")
    sweeping.start()
    wait_for(lambda: not blobs.path(old.key).exists(), what="the recording to go")
    sweeping.stop()
    assert [view.job.id for view in jobs.list_jobs(db, owner_id=LOCAL_OWNER).jobs] == [young]


def test_nothing_is_deleted_unless_that_was_asked_for(sweeping: Reaper, sqlite_url: str) -> None:
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
