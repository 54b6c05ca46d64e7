"""Many jobs at once: none is lost or done twice, none waits behind another's thousand, and a long
one holds nobody up."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import time
from collections import Counter

import numpy as np
import pytest
from sqlalchemy import func, select

from shared import jobs
from shared.models import Attempt, Job, Recording
from shared.states import AttemptOutcome, JobStatus
from shared.storage.identity import adopt_storage
from tests.chaos.machinery.faults import kill_group
from tests.chaos.machinery.faulty_installation import (
    Action,
    Fault,
    FaultyInstallation,
    Step,
    recording,
)
from tests.chaos.machinery.promises import breaches
from tests.support import factories
from tests.support.stack import Stack, wait_for
from tests.support.stack_without_http import as_wav, children, model_processes
from worker.recogniser import SAMPLE_RATE

ON_BOTH = pytest.mark.parametrize(
    "database_url",
    ["sqlite", pytest.param("postgresql", marks=[pytest.mark.long])],
    indirect=True,
)
"""Mark of tests on both databases; what takes long is done on PostgreSQL only where there is
time."""


def short(seed: int) -> bytes:
    """Two spans of a second, in words that the seed decides."""
    noise = np.random.default_rng(seed)
    pause = np.zeros(SAMPLE_RATE, np.int16)
    parts = [pause]
    for loudness in noise.uniform(500, 6000, 2):
        speech = noise.normal(0, loudness, SAMPLE_RATE)
        parts += [speech.clip(-32_000, 32_000).astype(np.int16), pause]
    return as_wav(np.concatenate(parts))


KINDS = 5
"""Number of different recordings."""


def ended(faulty: FaultyInstallation) -> int:
    summary = jobs.queue_summary(faulty.db)
    return sum(
        summary.by_status.get(status, 0) for status in (JobStatus.COMPLETED, JobStatus.FAILED)
    )


@ON_BOTH
@pytest.mark.parametrize(
    ("count", "kill_every_s"),
    [
        pytest.param(40, 2.0, id="40 jobs"),
        pytest.param(1000, 5.0, id="1000 jobs", marks=[pytest.mark.long]),
    ],
)
@pytest.mark.timeout(3600)
def test_each_of_many_jobs_is_done_once_while_workers_are_killed(
    faulty: FaultyInstallation, count: int, kill_every_s: float
) -> None:
    recordings = [short(seed) for seed in range(KINDS)]
    faulty.max_attempts = 10  # one job may be on both workers that are killed, and once more
    workers = [
        faulty.start_worker(
            name,
            supervised=True,
            BATCH_TAKES_S="0.02",
            LONGSCRIBE_MAX_ATTEMPTS=str(faulty.max_attempts),
        )
        for name in ("one", "two")
    ]
    texts = {}
    for content in recordings:  # undisturbed
        job_id = faulty.submit(content)
        assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, workers[0].log
        texts[hashlib.sha256(content).hexdigest()] = faulty.transcript(job_id).text
    begun = time.monotonic()
    for number in range(count):
        faulty.submit(recordings[number % KINDS])
    chosen = random.Random(count)
    kills: Counter[str] = Counter()
    ended_by = {worker.pid: 0 for worker in workers}
    next_kill = time.monotonic() + kill_every_s

    def all_over() -> bool:
        nonlocal next_kill
        if time.monotonic() >= next_kill:
            next_kill = time.monotonic() + kill_every_s
            worker = chosen.choice(workers)
            # On a busy machine a start and a job take longer than the time between kills: a
            # worker that has ended no attempt since it was last killed is spared.
            attempts = worker.log.count("attempt over")
            if attempts > ended_by[worker.pid]:
                ended_by[worker.pid] = attempts
                kills[_kill(children(worker.pid), chosen)] += 1
        return ended(faulty) == count + KINDS

    wait_for(all_over, seconds=3000, what=f"{count} jobs")
    took_s = time.monotonic() - begun
    assert breaches(faulty.db, texts=texts, max_attempts=faulty.max_attempts) == []
    by_status = jobs.queue_summary(faulty.db).by_status
    assert +Counter(by_status) == {JobStatus.COMPLETED: count + KINDS}
    with faulty.db.reading() as session:
        outcomes = Counter(session.scalars(select(Attempt.outcome)))
    repeated = faulty.step_log.repeated()
    print(
        f"\n{count} jobs in {took_s:.0f} s through {sum(kills.values())} kills {dict(kills)}: "
        f"{dict(outcomes)}, {repeated} batches begun twice"
    )
    assert repeated <= outcomes[AttemptOutcome.LOST]


def _kill(supervised: list[int], chosen: random.Random) -> str:
    """One in three times each: a worker's child, its main process, or all of its group."""
    what = chosen.choice(["child", "main", "group"])
    if not supervised:  # it is just being started again
        return "nothing"
    (worker,) = supervised
    if what == "group":
        with contextlib.suppress(ProcessLookupError):  # not yet the group's leader
            kill_group(worker)
        return what
    pids = model_processes(worker) if what == "child" else [worker]
    for pid in pids[:1]:
        with contextlib.suppress(ProcessLookupError):  # it has ended since it was listed
            os.kill(pid, signal.SIGKILL)
    return what if pids else "nothing"


@ON_BOTH
def test_behind_a_thousand_jobs_a_real_worker_comes_to_anothers_one_next(stack: Stack) -> None:
    faulty = FaultyInstallation(stack)  # not the fixture, which waits for all of its jobs
    adopt_storage(faulty.db, faulty.blobs)  # while its recordings are all there
    content = short(1)
    with faulty.blobs.receive(max_bytes=2**30) as incoming:
        incoming.write(content)
        first = incoming.keep()
    jobs.submit(faulty.db, owner_id="many", blob=first, filename="long.wav")
    for _ in range(999):
        # Without bytes: whichever of them were claimed would fail at once.
        factories.submit(faulty.db, owner_id="many", filename="many.wav")
    with faulty.blobs.receive(max_bytes=2**30) as incoming:
        incoming.write(content)
        blob = incoming.keep()
    single = jobs.submit(faulty.db, owner_id="single", blob=blob, filename="single.wav").job_id
    workers = [faulty.start_worker(name) for name in ("one", "two")]
    wait_for(
        lambda: (
            jobs.get_job(faulty.db, owner_id="single", job_id=single).job.status
            == JobStatus.COMPLETED
        ),
        what="the single job",
    )
    with faulty.db.reading() as session:
        began = select(Attempt.started_at).where(Attempt.job_id == single).scalar_subquery()
        before = session.scalar(select(func.count()).where(Attempt.started_at < began))
    # Those that a worker had claimed when nothing of either owner ran, and no more.
    assert before is not None and before <= 2, workers[0].log
    assert breaches(faulty.db, at_rest=False) == []
    faulty.db.dispose()


@ON_BOTH
def test_a_long_job_on_one_worker_leaves_all_others_to_the_other(
    faulty: FaultyInstallation,
) -> None:
    workers = [faulty.start_worker(name) for name in ("one", "two")]
    for worker in workers:
        wait_for(lambda worker=worker: "model loaded" in worker.log, what="the model")
    faulty.faults.arm(Fault(Step.RECOGNISING, Action.HOLD, batch=3), filename="long.wav")
    long_job = faulty.submit(recording(spans=24), filename="long.wav")
    wait_for(lambda: faulty.faults.has_triggered(filename="long.wav"), what="its third batch")
    others = [faulty.submit(short(seed), filename="short.wav") for seed in range(5)]
    for job_id in others:
        assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED
    assert faulty.status(long_job) == JobStatus.PROCESSING
    faulty.faults.release(filename="long.wav")
    by_worker: dict[str, set[str]] = {}
    with faulty.db.reading() as session:
        for worker_name, filename in session.execute(
            select(Attempt.worker, Recording.filename)
            .join(Job, Job.id == Attempt.job_id)
            .join(Recording, Recording.id == Job.recording_id)
        ):
            by_worker.setdefault(worker_name, set()).add(filename)
    assert sorted(map(sorted, by_worker.values())) == [["long.wav"], ["short.wav"]]
    assert faulty.wait_until_over(long_job) == JobStatus.COMPLETED
    assert breaches(faulty.db) == []


@pytest.mark.parametrize(
    ("database_url", "off_by_s"),
    [("sqlite", 3600), ("postgresql", -3600)],
    indirect=["database_url"],
)
def test_a_worker_whose_clock_is_an_hour_off_neither_loses_nor_steals(
    faulty: FaultyInstallation, off_by_s: int
) -> None:
    """Leases compare times of the database's clock only.  A lease of 4 s dated by the worker would
    be over at once, or for an hour not; and its sweep would take every job of the right one's."""
    wrong = faulty.stack.start_worker(
        "wrong",
        options=[
            "--include",
            "tests.support.doubles.shifted_clock,tests.support.doubles.faulty_worker",
        ],
        FAULTS=str(faulty.faults.folder),
        STEP_LOG=str(faulty.step_log.path),
        LONGSCRIBE_BATCH_SIZE_S="5",
        BATCH_TAKES_S="0.7",
        CLOCK_OFF_BY_S=str(off_by_s),
    )
    right = faulty.start_worker("right", BATCH_TAKES_S="0.7")
    for worker in (wrong, right):
        wait_for(lambda worker=worker: "model loaded" in worker.log, what="the model")
    job_ids = [faulty.submit(recording()) for _ in range(2)]  # each longer than its lease
    for job_id in job_ids:
        assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED, wrong.log
        assert faulty.outcomes(job_id) == [(AttemptOutcome.COMPLETED, None)]
    assert len(set(faulty.texts(job_ids))) == 1
    with faulty.db.reading() as session:
        assert len(set(session.scalars(select(Attempt.worker)))) == 2
    # The wrong one dies; its job comes back when its lease is over, not an hour later.
    job_id = faulty.submit(recording())
    faulty.wait_for_progress(job_id, 0.1)
    held_by = faulty.view(job_id).job.attempts[0].worker
    holder = right if held_by.endswith(f":{right.pid}") else wrong
    kill_group(holder.pid)
    assert faulty.wait_until_over(job_id) == JobStatus.COMPLETED
    assert faulty.outcomes(job_id) == [
        (AttemptOutcome.LOST, "worker_lost"),
        (AttemptOutcome.COMPLETED, None),
    ]
    assert breaches(faulty.db, lease_s=4, recovered_within_s=45) == []
