"""Redis answers and refuses what it is asked: its memory or its disk is full, it became a replica,
or a script keeps it busy. Work goes on, and what waits begins once it takes messages again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from shared.celery_doorbell import ring
from shared.states import AttemptOutcome, JobStatus, Obstacle
from tests.chaos.machinery.faults import Action, Fault, Step
from tests.chaos.machinery.faulty_installation import FaultyInstallation, recording
from tests.support.databases.redis_refusals import busy, out_of_memory, replica, without_a_disk
from tests.support.stack import wait_for

pytestmark = [
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
    pytest.mark.usefixtures("long_leases"),
]


@pytest.fixture
def client(faulty: FaultyInstallation) -> Iterator[redis.Redis]:
    made = redis.Redis(unix_socket_path=str(faulty.stack.folder / "redis" / "redis.sock"))
    yield made
    made.close()


@pytest.mark.parametrize("refuse", [out_of_memory, replica, without_a_disk, busy])
def test_a_redis_that_refuses_ends_no_worker_and_no_job(
    faulty: FaultyInstallation,
    client: redis.Redis,
    refuse: Callable[[redis.Redis], Callable[[], object]],
) -> None:
    worker = faulty.start_worker()
    faulty.faults.arm(Fault(Step.RECOGNISING, Action.HOLD))
    running = faulty.submit(recording(1, spans=2))
    wait_for(faulty.faults.has_triggered, what="a job that runs")
    accept = refuse(client)
    wait_for(lambda: Obstacle.REDIS.value in worker.log, what="the worker to say so")
    waiting = faulty.submit(recording(2, spans=1), doorbell=False)
    assert not ring(faulty.celery, waiting)
    late = faulty.start_worker("late")
    faulty.faults.release()
    assert faulty.wait_until_over(running) == JobStatus.COMPLETED, worker.log
    wait_for(lambda: "Cannot connect to" in late.log, what="the other worker to say so")
    assert faulty.status(waiting) == JobStatus.QUEUED
    accept()
    assert faulty.wait_until_over(waiting) == JobStatus.COMPLETED, faulty.logs()
    for job_id in (running, waiting):
        assert faulty.outcomes(job_id) == [(AttemptOutcome.COMPLETED, None)]
    for one in (worker, late):
        assert one.process.poll() is None, one.log
        assert "Traceback" not in one.log, one.log
    # Each hears again: the one whose last doorbell could not be put away no less.
    late.stop()
    after = faulty.submit(recording(3, spans=1))
    assert faulty.wait_until_over(after) == JobStatus.COMPLETED, worker.log
