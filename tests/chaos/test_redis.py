"""Redis emptied, killed, and handing out what it should not: a doorbell may be lost or rung again,
a job neither."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
import redis

from shared.queue import QUEUE, ring
from shared.states import AttemptOutcome, JobStatus
from tests.chaos.machinery.faults import Deed, Fault, Step
from tests.chaos.machinery.staged import Staged, recording
from tests.support.services import wait_for

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

UNDISTURBED = [(AttemptOutcome.COMPLETED, None)]
HELD = "held.wav"


@pytest.fixture
def staged(staged: Staged) -> Staged:
    staged.stack.env["LONGSCRIBE_LEASE_S"] = "30"  # no worker dies here
    return staged


@pytest.fixture
def client(staged: Staged) -> Iterator[redis.Redis]:
    made = redis.Redis(unix_socket_path=str(staged.stack.folder / "redis" / "redis.sock"))
    yield made
    made.close()


def hold(staged: Staged, step: Step, spans: int = 2) -> str:
    """A job that stays at `step` until the test releases it."""
    staged.faults.arm(Fault(step, Deed.HOLD), filename=HELD)
    job_id = staged.submit(recording(99, spans), filename=HELD)
    wait_for(lambda: staged.faults.has_struck(filename=HELD), what=f"a job at {step}")
    return job_id


def submit_many(staged: Staged, count: int) -> list[str]:
    return [staged.submit(recording(seed, spans=1)) for seed in range(count)]


def all_done_once(staged: Staged, job_ids: list[str]) -> None:
    staged.wait_until_all_are(JobStatus.COMPLETED, job_ids)
    for job_id in job_ids:
        assert staged.outcomes(job_id) == UNDISTURBED
        assert staged.ledger.repeated(job_id) == 0


def test_forty_waiting_jobs_outlive_a_flushall(staged: Staged, client: redis.Redis) -> None:
    staged.start_worker(LONGSCRIBE_WORKER_CONCURRENCY="2")
    held = hold(staged, Step.RECOGNISING)
    second = staged.submit(recording(98, spans=1))
    staged.wait_until_over(second)  # so that both children are there
    staged.faults.arm(Fault(Step.CLAIMING, Deed.HOLD))  # of the other: the jobs wait
    waiting = submit_many(staged, 40)
    wait_for(staged.faults.has_struck, what="the other child at its claim")
    assert int(client.llen(QUEUE)) >= 39
    client.flushall()
    assert int(client.llen(QUEUE)) < 40
    staged.faults.release()
    staged.faults.release(filename=HELD)
    all_done_once(staged, [held, second, *waiting])


def test_redis_killed_while_jobs_wait_and_one_ends_loses_none_and_repeats_none(
    staged: Staged,
) -> None:
    worker = staged.start_worker()
    ends_meanwhile = hold(staged, Step.FINISHING)
    waiting = submit_many(staged, 10)
    assert staged.stack.redis is not None
    staged.stack.redis.kill(signal.SIGKILL)
    staged.stack.redis.process.wait()
    staged.faults.release(filename=HELD)
    # It keeps nothing on disk and stays away until the sweep has asked for it in vain for 5 s.
    assert staged.wait_until_over(ends_meanwhile) == JobStatus.COMPLETED
    wait_for(lambda: worker.log.count("sweep incomplete") >= 10, what="ten sweeps without Redis")
    assert all(staged.status(job_id) == JobStatus.QUEUED for job_id in waiting)
    staged.stack.start_redis()
    all_done_once(staged, [ends_meanwhile, *waiting])


def test_a_message_that_comes_five_times_runs_its_job_once(
    staged: Staged, client: redis.Redis
) -> None:
    staged.start_worker(LONGSCRIBE_WORKER_CONCURRENCY="2")

    def ring_and_wait_until_heard(job_id: str) -> None:
        heard = len(staged.ledger.entries(Step.CLAIMING))
        for _ in range(5):
            assert ring(staged.celery, job_id)
        wait_for(
            lambda: len(staged.ledger.entries(Step.CLAIMING)) >= heard + 5,
            what="five doorbells to be heard",
        )

    job_id = hold(staged, Step.COMMITTED)
    ring_and_wait_until_heard(job_id)
    staged.faults.release(filename=HELD)
    assert staged.wait_until_over(job_id) == JobStatus.COMPLETED
    ring_and_wait_until_heard(job_id)
    all_done_once(staged, [job_id])
    assert len(staged.ledger.entries(Step.CLAIMED)) == 1


def test_a_job_longer_than_the_visibility_timeout_runs_once_beside_an_idle_worker(
    staged: Staged, client: redis.Redis
) -> None:
    workers = [staged.start_worker(name, VISIBILITY_TIMEOUT_S="1") for name in ("one", "two")]
    wait_for(lambda: all("model loaded" in worker.log for worker in workers), what="both models")
    job_id = hold(staged, Step.RECOGNISING)
    # Handed out again while the job runs, to the other worker, which finds nothing to claim.
    wait_for(
        lambda: len({entry.pid for entry in staged.ledger.entries(Step.CLAIMING)}) == 2,
        what="the message to come again",
    )
    staged.faults.release(filename=HELD)
    all_done_once(staged, [job_id])
    assert len(staged.ledger.entries(Step.CLAIMED)) == 1
    wait_for(
        lambda: not client.llen(QUEUE) and not client.hlen("unacked"), what="the message to end"
    )
