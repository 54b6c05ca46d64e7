"""Many processes write to one SQLite file at once, as the web server and workers do: each waits for
its turn, and none is told that the database is locked."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.states import JobStatus, Stage
from tests.chaos.machinery.promises import breaches
from tests.support import factories

SUBMITTERS = 3
WORKERS = 3


@pytest.fixture
def sqlite_url(migrated_sqlite: Path) -> Iterator[str]:
    """A migrated database on a disk: in memory no COMMIT takes long enough to wait for."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "longscribe.db"
        shutil.copyfile(migrated_sqlite, path)
        yield f"sqlite:///{path}"


def submit(url: str, count: int) -> None:
    """As the web server: submissions, and what pages ask meanwhile."""
    db = Database(url)
    for number in range(count):
        job_id = factories.submit(db, owner_id=LOCAL_OWNER)
        jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=job_id)
        if number % 10 == 0:
            jobs.list_jobs(db, owner_id=LOCAL_OWNER, limit=5)


def work(url: str, total: int) -> None:
    """As a worker: claims, heartbeats, batches, sweeps, until all jobs are done."""
    db = Database(url)
    while jobs.queue_summary(db).by_status.get(JobStatus.COMPLETED, 0) < total:
        claim = jobs.claim_next(db, worker=multiprocessing.current_process().name, lease_s=60)
        if claim is None:
            time.sleep(0.01)
            continue
        jobs.set_stage(db, claim, Stage.RECOGNISING, progress=0.2, duration_s=12.5)
        factories.recognise(db, claim)
        jobs.heartbeat(db, claim)
        jobs.finish(db, claim, factories.TRANSCRIPT)
        jobs.expire_leases(db, max_attempts=3)
        factories.a_worker(db, multiprocessing.current_process().name)


def hammer(url: str, each: int) -> None:
    total = SUBMITTERS * each
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=submit, args=(url, each)) for _ in range(SUBMITTERS)]
    processes += [spawn.Process(target=work, args=(url, total)) for _ in range(WORKERS)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=280)
    for process in processes:
        process.kill()
    assert [process.exitcode for process in processes] == [0] * len(processes)
    db = Database(url)
    assert +Counter(jobs.queue_summary(db).by_status) == {JobStatus.COMPLETED: total}
    assert breaches(db) == []
    db.dispose()


def test_nobody_is_told_that_the_database_is_locked(sqlite_url: str) -> None:
    hammer(sqlite_url, 20)


@pytest.mark.long
def test_nobody_is_told_so_in_a_thousand_jobs(sqlite_url: str) -> None:
    hammer(sqlite_url, 334)
