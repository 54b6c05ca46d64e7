"""Processor time with a hundred thousand jobs waiting and with a million that ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select, update

from shared import jobs
from shared.db import Database
from shared.jobs.eta import queue_positions
from shared.models import LOCAL_OWNER, Job, in_one_of
from shared.states import RUNNING, JobStatus
from tests.support import factories
from tests.support.databases.many_jobs import make_many_jobs
from tests.support.processor_time import ProcessorTime

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

WORKERS = 200
SWEEP_S = 5.0
LIMIT = jobs.QueueLimit(most_s=1e12, longest_s=36_000.0, seen_within_s=3_600.0)


class Costs:
    """Measures calls and prints a line for each."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self._time = ProcessorTime(db)

    def of(self, what: str, call: Callable[[], object], *, times: int = 7) -> float:
        """Milliseconds of processor time."""
        cost = self._time.least_ms(call, times=times)
        print(f"{what:<52} {self.db.engine.dialect.name:<11} {cost:8.2f} ms")
        return cost

    def of_reading(self) -> list[float]:
        """What clients ask for, and how it goes where the forecast is made anew each time."""
        waiting = self._waiting_ids()
        first, middle, last = waiting[0], waiting[len(waiting) // 2], waiting[-1]
        one = partial(jobs.get_job, self.db, owner_id=LOCAL_OWNER)
        page = partial(jobs.list_jobs, self.db, owner_id=LOCAL_OWNER)
        asked = [
            ("a waiting job, the first", partial(one, job_id=first)),
            ("a waiting job, the last", partial(one, job_id=last)),
            ("a waiting job far from either end", partial(one, job_id=middle)),
            ("the first page of the list", page),
            ("those of the list that run", partial(page, statuses=sorted(RUNNING))),
        ]
        costs = []
        for what, call in asked:
            costs.append(self.of(what, call))
            costs.append(self.of(f"{what}, forecast anew", _anew(call)))
        snapshot = partial(jobs.snapshot_of, self.db, owner_id=LOCAL_OWNER)
        return [*costs, self.of("whether a list has changed", snapshot), *self._of_a_whole_list()]

    def _of_a_whole_list(self) -> list[float]:
        """All of the owner's jobs selected at once, and the next of them half-way through."""
        take = partial(jobs.take_whole_list, self.db, owner_id=LOCAL_OWNER)
        taken = take()
        with self.db.reading() as session:
            mine = select(Job.id).where(Job.owner_id == LOCAL_OWNER).order_by(Job.id)
            cursor = session.scalar(mine.offset(sum(taken.counts.values()) // 2).limit(1))
        some = partial(
            jobs.some_of_whole_list,
            self.db,
            jobs.WholeList(LOCAL_OWNER, newest=taken.newest, until=taken.until),
            statuses=jobs.DELETABLE,
            cursor=cursor,
            most=200,
        )
        return [self.of("a whole list taken", take), self.of("the next 200 of it", some)]

    def _waiting_ids(self) -> list[str]:
        with self.db.reading() as session:
            mine = select(Job.id).where(Job.owner_id == LOCAL_OWNER, in_one_of(JobStatus.QUEUED))
            return sorted(session.scalars(mine))

    def of_writing(self) -> list[float]:
        claim = partial(jobs.claim_next, self.db, worker="w", lease_s=6_000.0, model="demo")
        return [
            self.of("a claim", claim),
            self.of("a submission", lambda: factories.submit(self.db, limit=LIMIT)),
        ]

    def of_a_sweep(self) -> float:
        """What every worker does each `SWEEP_S`, and what one does for all."""
        each = self.of("a worker's sweep", lambda: self._sweep("worker 2"))
        one = self.of("the sweep for all", lambda: self._sweep_for_all("worker 1"))
        print(f"{WORKERS} workers' sweeps: {self._cores(each, one):.3f} of a core")
        if not self.db.is_sqlite:
            each = self._time.least_ms(lambda: self._sweep("worker 2"), server_only=True)
            one = self._time.least_ms(lambda: self._sweep_for_all("worker 1"), server_only=True)
            print(f"of which in the server: {self._cores(each, one):.3f}")
        return each

    @staticmethod
    def _cores(each_ms: float, one_ms: float) -> float:
        return (WORKERS * each_ms + one_ms) / 1000 / SWEEP_S

    def _sweep(self, worker: str) -> None:
        report = jobs.WorkerReport(
            worker, "gpu1", "demo", "cpu", datetime.now(UTC), model_name="demo"
        )
        held = jobs.begin_sweep(self.db, report, most=100).held
        jobs.take_sweep_turns(self.db, jobs.Duty, worker=worker, for_s=3_600.0, held=held)

    def _sweep_for_all(self, worker: str) -> None:
        self._sweep(worker)
        jobs.expire_leases(self.db, max_attempts=3)
        jobs.fold(self.db)

    def of_retention(self) -> float:
        kept = timedelta(days=3_650)
        blobs = factories.NotedDeletions()
        return self.of(
            "retention with nothing due", lambda: jobs.delete_expired(self.db, blobs, kept=kept)
        )


def _anew(call: Callable[[], object]) -> Callable[[], object]:
    def without_the_kept() -> object:
        queue_positions._kept.clear()
        return call()

    return without_the_kept


@pytest.fixture
def ready(database_url: str) -> Costs:
    """Without jobs. The worker that sweeps for all has its turn, and all others are there."""
    db = Database(database_url, impatient=False)  # rows are made by statements of minutes
    for number in range(1, WORKERS + 1):
        factories.a_worker(db, f"worker {number}")
    jobs.take_sweep_turns(db, jobs.Duty, worker="worker 1", for_s=3_600.0)
    return Costs(db)


def test_a_hundred_thousand_waiting_jobs_of_fifty_owners(ready: Costs) -> None:
    make_many_jobs(ready.db, ended=10_000, waiting=100_000)
    assert max(ready.of_reading() + ready.of_writing()) < 80
    assert ready.of_a_sweep() < 20
    assert jobs.find_drift(ready.db) == []
    with ready.db.writing() as session:
        queued = update(Job).where(in_one_of(JobStatus.QUEUED), Job.owner_id == LOCAL_OWNER)
        session.execute(queued.values(model="absent"))
    print("50,000 of them for a model that nobody runs:")
    assert max(ready.of_reading() + ready.of_writing()) < 80
    assert ready.of_a_sweep() < 20
    ready.db.dispose()


def test_a_million_jobs_that_ended(ready: Costs) -> None:
    make_many_jobs(ready.db, ended=1_000_000, waiting=1_000)
    assert max(ready.of_reading() + ready.of_writing()) < 80
    assert ready.of_a_sweep() < 20
    assert ready.of_retention() < 40
    ready.db.dispose()
