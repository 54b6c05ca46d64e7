"""When a job will be done, from what the queue has learnt, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import event, update

from shared import jobs
from shared.db import Database, database_now
from shared.models import LOCAL_OWNER, Attempt, Recording, WorkerSeen
from shared.states import JobStatus
from tests.support import factories


def eta(db: Database, job_id: str, *, owner_id: str = LOCAL_OWNER) -> float | None:
    return jobs.get_job(db, owner_id=owner_id, job_id=job_id).eta_s


def test_nothing_is_promised_before_the_first_job_was_completed(db: Database) -> None:
    factories.a_worker(db)
    assert eta(db, factories.submit_lasting(db, 60)) is None


def test_nothing_is_promised_while_no_worker_lives(db: Database) -> None:
    factories.learn(db, speed=10)
    waiting = factories.submit_lasting(db, 60)
    assert eta(db, waiting) is None
    factories.a_worker(db)
    assert eta(db, waiting) == pytest.approx(6)
    with db.writing() as session:
        session.execute(update(WorkerSeen).values(seen_at=database_now(-60)))
    view = jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=waiting)
    assert (view.eta_s, view.workers_alive) == (None, 0)


def test_a_waiting_job_waits_for_what_is_ahead_of_it(db: Database) -> None:
    factories.learn(db, speed=10)
    factories.a_worker(db)
    factories.submit_lasting(db, 600)
    second = factories.submit_lasting(db, 300)
    assert eta(db, second) == pytest.approx(90)
    running = factories.claim(db)
    # Just begun: what was learnt, and of its own pace nothing yet.
    assert eta(db, running.job_id) == pytest.approx(60)
    assert eta(db, second) == pytest.approx(90)


def test_workers_share_the_queue_each_with_its_jobs_at_once(db: Database) -> None:
    factories.learn(db, speed=10)
    factories.a_worker(db, "one")
    factories.a_worker(db, "two", jobs_at_once=2)
    for _ in range(3):
        factories.submit_lasting(db, 600)
    fourth = factories.submit_lasting(db, 600)
    assert eta(db, fourth) == pytest.approx(120)


def test_a_recording_not_yet_decoded_counts_by_its_bytes_and_what_its_kind_held(
    db: Database,
) -> None:
    factories.a_worker(db)
    factories.learn(db, speed=10, filename="x.WAV", audio_s=100)  # 1000 bytes, as all here
    waiting = factories.submit(db, filename="y.wav")
    assert eta(db, waiting) == pytest.approx(10)


def test_a_recording_whose_container_tells_its_length_counts_by_that(db: Database) -> None:
    factories.a_worker(db)
    factories.learn(db, speed=10, audio_s=100)
    assert eta(db, factories.submit(db, told_s=600.0)) == pytest.approx(60)


def test_a_container_may_claim_any_length_and_counts_as_the_longest(db: Database) -> None:
    factories.a_worker(db)
    factories.learn(db, speed=10)
    limit = jobs.QueueLimit(most_s=0.0, longest_s=1000.0, seen_within_s=30.0)
    assert eta(db, factories.submit(db, told_s=1e300, limit=limit)) == pytest.approx(100)


def test_one_file_of_silence_does_not_change_what_a_second_of_its_kind_takes(
    db: Database,
) -> None:
    factories.a_worker(db)
    for audio_s in (99, 100, 101):
        factories.learn(db, speed=10, filename="x.opus", audio_s=audio_s)
    factories.learn(db, speed=10, filename="silence.opus", audio_s=11 * 3600)
    factories.learn(db, speed=10, filename="loud.opus", audio_s=0.01)
    assert eta(db, factories.submit(db, filename="y.opus")) == pytest.approx(10)


def test_a_row_of_a_version_without_estimates_counts_by_its_bytes(db: Database) -> None:
    factories.a_worker(db)
    factories.learn(db, speed=10)
    waiting = factories.submit(db)
    with db.writing() as session:
        session.execute(update(Recording).values(estimated_s=None))
    assert eta(db, waiting) == pytest.approx(1000 / 16_000 / 10)


def test_another_models_speed_says_nothing_of_the_one_that_runs_now(db: Database) -> None:
    factories.a_worker(db)
    old = factories.learn(db, speed=1000, audio_s=36_000)
    with db.writing() as session:
        session.execute(update(Attempt).where(Attempt.job_id == old).values(model="old"))
    factories.learn(db, speed=10)
    assert eta(db, factories.submit_lasting(db, 60)) == pytest.approx(6)


def test_a_second_attempt_that_found_most_done_teaches_nothing(db: Database) -> None:
    factories.a_worker(db)
    factories.learn(db, speed=10)
    resumed = factories.learn(db, speed=10_000, audio_s=36_000)
    with db.writing() as session:
        session.execute(update(Attempt).where(Attempt.job_id == resumed).values(number=2))
    assert eta(db, factories.submit_lasting(db, 60)) == pytest.approx(6)


def test_jobs_are_done_in_the_order_that_was_forecast(db: Database) -> None:
    factories.learn(db, speed=10)
    factories.a_worker(db)
    promised = {}
    for owner, priority in [("a", 0), ("a", 0), ("b", 0), ("a", 1), ("c", -1), ("b", 1), ("c", 0)]:
        job_id = factories.submit_lasting(db, 60, owner_id=owner, priority=priority)
        promised[job_id] = owner
    forecast = {job_id: eta(db, job_id, owner_id=owner) for job_id, owner in promised.items()}
    order = sorted(promised, key=lambda job_id: forecast[job_id] or 0.0)
    claimed = []
    while (claim := jobs.claim_next(db, worker="w", lease_s=60)) is not None:
        claimed.append(claim.job_id)
        factories.complete(db, claim)
    assert claimed == order


def test_with_two_at_once_owners_take_turns_as_was_forecast(db: Database) -> None:
    factories.learn(db, speed=10)
    factories.a_worker(db, jobs_at_once=2)
    first = factories.submit_lasting(db, 60, owner_id="a")
    second = factories.submit_lasting(db, 60, owner_id="a")
    other = factories.submit_lasting(db, 60, owner_id="b")
    assert eta(db, first, owner_id="a") == eta(db, other, owner_id="b") == pytest.approx(6)
    assert eta(db, second, owner_id="a") == pytest.approx(12)
    assert {factories.claim(db).job_id, factories.claim(db).job_id} == {first, other}


def test_a_job_at_its_end_has_neither_a_forecast_nor_workers(db: Database) -> None:
    factories.a_worker(db)
    done = factories.learn(db, speed=10)
    failed = factories.a_job(db, JobStatus.FAILED)
    for job_id in (done, failed):
        view = jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=job_id)
        assert (view.eta_s, view.workers_alive) == (None, None)


def test_a_list_asks_the_database_as_often_for_forty_jobs_as_for_two(db: Database) -> None:
    factories.learn(db, speed=10)
    factories.a_worker(db)
    factories.submit_lasting(db, 60)
    factories.claim(db)
    statements: list[str] = []

    @event.listens_for(db.engine, "before_cursor_execute")
    def note(conn, cursor, statement, *rest):  # type: ignore[no-untyped-def]
        statements.append(statement)

    def asked() -> int:
        statements.clear()
        page = jobs.list_jobs(db, owner_id=LOCAL_OWNER)
        unfinished = [view for view in page.jobs if view.job.status != JobStatus.COMPLETED]
        assert all(view.eta_s is not None for view in unfinished)
        return len(statements)

    factories.submit_lasting(db, 60)
    few = asked()
    for _ in range(40):
        factories.submit_lasting(db, 60)
    assert asked() == few <= 10


def test_a_job_that_was_claimed_since_the_queue_was_read_is_shown(db: Database) -> None:
    job_id = factories.submit(db)
    snapshot = jobs.snapshot_of(db, owner_id=LOCAL_OWNER)
    factories.claim(db)
    with db.writing() as session:
        session.execute(update(Attempt).values(started_at=database_now(60)))
    [view] = jobs.list_jobs(db, owner_id=LOCAL_OWNER, snapshot=snapshot).jobs
    assert (view.job.id, view.job.status) == (job_id, JobStatus.PROCESSING)
    assert (view.processing_s, view.job.error_code) == (0.0, None)
