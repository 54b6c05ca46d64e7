"""Redis emptied, killed, and handing out what it should not: a doorbell may be lost or rung again,
a job neither."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
import redis

from shared.celery_doorbell import QUEUE, ring
from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.faults import Action, Fault, Step
from tests.chaos.machinery.faulty_installation import FaultyInstallation, recording
from tests.support.stack import wait_for

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

UNDISTURBED = [(AttemptOutcome.COMPLETED, None)]
HELD = "held.wav"


@pytest.fixture
def faulty(faulty: FaultyInstallation) -> FaultyInstallation:
    faulty.stack.env["LONGSCRIBE_LEASE_S"] = "30"  # no worker dies here
    return faulty


@pytest.fixture
def client(faulty: FaultyInstallation) -> Iterator[redis.Redis]:
    made = redis.Redis(unix_socket_path=str(faulty.stack.folder / "redis" / "redis.sock"))
    yield made
    made.close()


def hold(faulty: FaultyInstallation, step: Step, spans: int = 2) -> str:
    """A job that stays at `step` until the test releases it."""
    faulty.faults.arm(Fault(step, Action.HOLD), filename=HELD)
    job_id = faulty.submit(recording(99, spans), filename=HELD)
    wait_for(lambda: faulty.faults.has_triggered(filename=HELD), what=f"a job at {step}")
    return job_id


def submit_many(faulty: FaultyInstallation, count: int) -> list[str]:
    return [faulty.submit(recording(seed, spans=1)) for seed in range(count)]


def all_done_once(faulty: FaultyInstallation, job_ids: list[str]) -> None:
    faulty.wait_until_all_are(JobStatus.COMPLETED, job_ids)
    for job_id in job_ids:
        assert faulty.outcomes(job_id) == UNDISTURBED
        assert faulty.step_log.repeated(job_id) == 0


def test_forty_waiting_jobs_outlive_a_flushall(
    faulty: FaultyInstallation, client: redis.Redis
) -> None:
    faulty.start_worker(LONGSCRIBE_WORKER_CONCURRENCY="2")
    held = hold(faulty, Step.RECOGNISING)
    second = faulty.submit(recording(98, spans=1))
    faulty.wait_until_over(second)  # so that both children are there
    faulty.faults.arm(Fault(Step.CLAIMING, Action.HOLD))  # of the other: the jobs wait
    waiting = submit_many(faulty, 40)
    wait_for(faulty.faults.has_triggered, what="the other child at its claim")
    assert int(client.llen(QUEUE)) >= 39
    # In one transaction: the next sweep may ring for all forty again at any moment.
    with client.pipeline(transaction=True) as at_once:
        at_once.flushall()
        at_once.llen(QUEUE)
        assert at_once.execute()[-1] == 0
    faulty.faults.release()
    faulty.faults.release(filename=HELD)
    all_done_once(faulty, [held, second, *waiting])


def test_redis_killed_while_jobs_wait_and_one_ends_loses_none_and_repeats_none(
    faulty: FaultyInstallation,
) -> None:
    worker = faulty.start_worker()
    ends_meanwhile = hold(faulty, Step.FINISHING)
    waiting = submit_many(faulty, 10)
    assert faulty.stack.redis is not None
    faulty.stack.redis.kill(signal.SIGKILL)
    faulty.stack.redis.process.wait()
    faulty.faults.release(filename=HELD)
    # It keeps nothing on disk and stays away until the sweep has asked for it in vain for 5 s.
    assert faulty.wait_until_over(ends_meanwhile) == JobStatus.COMPLETED
    wait_for(lambda: worker.log.count("sweep incomplete") >= 10, what="ten sweeps without Redis")
    assert all(faulty.status(job_id) == JobStatus.QUEUED for job_id in waiting)
    faulty.stack.start_redis()
    all_done_once(faulty, [ends_meanwhile, *waiting])


def test_a_message_that_comes_five_times_runs_its_job_once(
    faulty: FaultyInstallation, client: redis.Redis
) -> None:
    faulty.start_worker(LONGSCRIBE_WORKER_CONCURRENCY="2")

    def ring_and_wait_until_heard(job_id: str) -> None:
        heard = len(faulty.step_log.entries(Step.CLAIMING))
        for _ in range(5):
            assert ring(faulty.celery, job_id)
        wait_for(
            lambda: len(faulty.step_log.entries(Step.CLAIMING)) >= heard + 5,
            what="five doorbells to be heard",
        )

    job_id = hold(faulty, Step.COMMITTED)
    ring_and_wait_until_heard(job_id)
    faulty.faults.release(filename=HELD)
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED
    ring_and_wait_until_heard(job_id)
    all_done_once(faulty, [job_id])
    assert len(faulty.step_log.entries(Step.CLAIMED)) == 1


def test_a_job_longer_than_the_visibility_timeout_runs_once_beside_an_idle_worker(
    faulty: FaultyInstallation, client: redis.Redis
) -> None:
    workers = [faulty.start_worker(name, VISIBILITY_TIMEOUT_S="1") for name in ("one", "two")]
    wait_for(lambda: all("model loaded" in worker.log for worker in workers), what="both models")
    job_id = hold(faulty, Step.RECOGNISING)
    # Handed out again while the job runs, to the other worker, which finds nothing to claim.
    wait_for(
        lambda: len({entry.pid for entry in faulty.step_log.entries(Step.CLAIMING)}) == 2,
        what="the message to come again",
    )
    faulty.faults.release(filename=HELD)
    all_done_once(faulty, [job_id])
    assert len(faulty.step_log.entries(Step.CLAIMED)) == 1
    wait_for(
        lambda: not client.llen(QUEUE) and not client.hlen("unacked"), what="the message to end"
    )
