"""One worker with two children: two jobs at once, and what befalls one leaves the other alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from shared import jobs
from shared.models import LOCAL_OWNER, Attempt
from shared.states import AttemptOutcome, JobStatus
from tests.support import factories, zygote
from tests.support.databases.sqlite import migrated_file
from tests.support.speech.demo_speech import meeting
from tests.support.stack import NOBODY_DIES, Service, Stack, running, wait_for
from tests.support.stack_without_http import Installation, as_wav, model_processes

SMALL_BATCHES = {"LONGSCRIBE_BATCH_SIZE_S": "5"}
"""Settings by which a recording of four minutes has a middle."""
TWO = {"LONGSCRIBE_WORKER_CONCURRENCY": "2", "LONGSCRIBE_LEASE_S": "12"} | SMALL_BATCHES


@cache
def long_recordings() -> list[bytes]:
    """Two of four minutes, with different texts."""
    return [as_wav(meeting(240, seed).samples) for seed in (41, 42)]


@dataclass
class TwoAtOnce:
    """An installation, and its worker with two children."""

    installation: Installation
    worker: Service
    killed: int = 0

    def wait_for_models(self) -> None:
        wait_for(
            lambda: self.worker.log.count("model loaded") >= 2 + self.killed,
            seconds=240,
            what="both models",
        )

    def kill_child(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self.killed += 1

    def submit_both_and_wait_for_their_middle(self) -> list[str]:
        for _ in range(5):
            job_ids = [self.installation.submit(long) for long in long_recordings()]
            for job_id in job_ids:
                self.installation.wait_for_progress(job_id, 0.2)
            found = [self.installation.view(job_id).job for job_id in job_ids]
            if all(job.status is JobStatus.PROCESSING and job.progress < 0.7 for job in found):
                return job_ids
            # A busy machine let one of them come to its end before the other had a processor.
            for job_id in job_ids:
                self.installation.wait_until_over(job_id)
        raise AssertionError("they never run at once")

    def attempts(self, job_id: str) -> list[Attempt]:
        return factories.row(self.installation.db, job_id).attempts

    def outcomes(self, job_id: str) -> list[str | None]:
        return [attempt.outcome for attempt in self.attempts(job_id)]

    def folders_of_jobs(self) -> list[Path]:
        return list((self.installation.stack.folder / "data" / "work").iterdir())


def texts(installation: Installation, job_ids: list[str], worker: Service) -> list[str]:
    for job_id in job_ids:
        assert installation.wait_until_over(job_id, seconds=240) == JobStatus.COMPLETED, worker.log
    return [installation.transcript(job_id).text for job_id in job_ids]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The texts of both recordings from a worker that runs one job after the other."""
    folder = tmp_path_factory.mktemp("alone")
    url = migrated_file(folder / "longscribe.db")
    with running(Stack(folder / "stack", url, {**NOBODY_DIES})) as stack:
        stack.start_redis()
        worker = stack.start_worker(**SMALL_BATCHES)
        installation = Installation(stack)
        said = texts(
            installation, [installation.submit(long) for long in long_recordings()], worker
        )
        installation.db.dispose()
    assert said[0] != said[1]
    return said


@pytest.fixture(scope="module")
def both(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoAtOnce]:
    """On each database. What the tests kill comes back."""
    folder = tmp_path_factory.mktemp("both")
    with running(Stack(folder / "stack", module_database_url)) as stack:
        stack.start_redis()
        made = TwoAtOnce(Installation(stack), stack.start_worker(**TWO))
        yield made
        made.installation.db.dispose()


@pytest.fixture
def two(both: TwoAtOnce) -> TwoAtOnce:
    both.wait_for_models()
    return both


def test_one_child_measures_the_device_and_the_other_reads_it(two: TwoAtOnce) -> None:
    assert two.worker.log.count("measured in") == 1
    assert two.worker.log.count("taken from") == 1


def test_two_jobs_run_at_once_and_say_what_they_say_alone(two: TwoAtOnce, alone: list[str]) -> None:
    job_ids = two.submit_both_and_wait_for_their_middle()
    assert texts(two.installation, job_ids, two.worker) == alone
    ((first,), (second,)) = (two.attempts(job_id) for job_id in job_ids)
    assert first.ended_at is not None and second.ended_at is not None
    assert max(first.started_at, second.started_at) < min(first.ended_at, second.ended_at)
    assert first.jobs_at_once == 2
    (seen,) = jobs.workers_seen(two.installation.db, within_s=60)
    assert seen.name == first.worker == second.worker
    assert two.folders_of_jobs() == []


def test_cancel_of_one_leaves_the_other(two: TwoAtOnce, alone: list[str]) -> None:
    models = model_processes(two.worker.pid)
    stays, goes = two.submit_both_and_wait_for_their_middle()
    jobs.cancel(two.installation.db, owner_id=LOCAL_OWNER, job_id=goes)
    assert two.installation.wait_until_over(goes) == JobStatus.CANCELLED
    assert texts(two.installation, [stays], two.worker) == alone[:1]
    assert two.outcomes(stays) == [AttemptOutcome.COMPLETED]
    assert sorted(model_processes(two.worker.pid)) == sorted(models)


def test_kill_9_of_one_child_leaves_the_others_job_alone_and_its_own_is_resumed(
    two: TwoAtOnce, alone: list[str]
) -> None:
    victim, survivor = model_processes(two.worker.pid)
    job_ids = two.submit_both_and_wait_for_their_middle()
    two.kill_child(victim)
    assert texts(two.installation, job_ids, two.worker) == alone
    assert sorted(map(two.outcomes, job_ids)) == [
        [AttemptOutcome.COMPLETED],
        [AttemptOutcome.LOST, AttemptOutcome.COMPLETED],
    ]
    two.wait_for_models()
    assert survivor in model_processes(two.worker.pid)


def test_a_worker_told_to_stop_gives_both_back_and_another_goes_on(
    two: TwoAtOnce, alone: list[str]
) -> None:
    job_ids = two.submit_both_and_wait_for_their_middle()
    assert two.worker.stop() == 0, two.worker.log
    for job_id in job_ids:
        assert two.installation.status(job_id) == JobStatus.QUEUED
        assert two.outcomes(job_id) == [AttemptOutcome.RELEASED]
    two.worker = two.installation.stack.start_worker("other", **TWO)
    two.killed = 0
    assert texts(two.installation, job_ids, two.worker) == alone
    for job_id in job_ids:
        assert two.outcomes(job_id) == [AttemptOutcome.RELEASED, AttemptOutcome.COMPLETED]
        assert factories.row(two.installation.db, job_id).failed_attempts == 0


only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@only_sqlite
def test_a_worker_told_to_stop_while_its_children_start_ends(stack: Stack) -> None:
    with zygote.warm_children(False):
        worker = stack.start_worker(LONGSCRIBE_WORKER_CONCURRENCY="3")
    wait_for(lambda: len(model_processes(worker.pid)) == 3, what="three children")
    assert worker.stop() == 0, worker.log
    assert worker.log.count("model loaded") <= 1


@only_sqlite
def test_a_model_that_is_not_there_ends_the_worker_whatever_its_children(
    stack: Stack, tmp_path: Path
) -> None:
    worker = stack.start_worker(
        LONGSCRIBE_WORKER_CONCURRENCY="2", LONGSCRIBE_MODEL=str(tmp_path / "nowhere")
    )
    assert worker.process.wait(timeout=240) == 2
    assert worker.log.count("There is no model folder") == 1
    assert "model loaded" not in worker.log


@only_sqlite
@pytest.mark.parametrize(
    ("option", "told"),
    [
        (("--concurrency", "2"), "set LONGSCRIBE_WORKER_CONCURRENCY"),
        (("--autoscale", "2,1"), "set LONGSCRIBE_WORKER_CONCURRENCY"),
        (("--pool", "solo"), "Leave out --pool"),
        (("--pool-start-method", "fork"), "Leave out --pool"),
    ],
)
def test_celerys_own_options_for_children_are_refused(
    stack: Stack, option: tuple[str, str], told: str
) -> None:
    worker = stack.start_worker(options=option)
    assert worker.process.wait(timeout=240) == 1
    assert told in worker.log
