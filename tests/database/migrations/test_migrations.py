"""The schema, on both databases."""

from __future__ import annotations

import itertools

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError

import migrations
from shared import jobs
from shared.db import Database
from shared.models import Attempt, Base, Recording, WorkerSeen
from shared.states import TRANSITIONS, JobStatus
from tests.support import factories


def test_migrations_go_up_down_and_up_again(empty_database_url: str) -> None:
    db = Database(empty_database_url)
    migrations.upgrade(empty_database_url)
    assert migrations.is_current(db)
    migrations.downgrade(empty_database_url, "base")
    assert inspect(db.engine).get_table_names() == ["alembic_version"]
    assert not migrations.is_current(db)
    migrations.upgrade(empty_database_url)
    migrations.upgrade(empty_database_url)  # nothing to do, and no error
    assert migrations.is_current(db)
    db.dispose()


def test_migrations_build_what_the_models_describe(db: Database) -> None:
    with db.engine.connect() as connection:
        options = {"compare_type": True, "include_name": migrations.is_described}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_an_upgrade_keeps_the_attempts_and_calls_unknown_what_was_not_counted(
    empty_database_url: str,
) -> None:
    migrations.upgrade(empty_database_url, "0001")
    db = Database(empty_database_url)
    now = "2026-01-02 03:04:05"
    rows = {
        "recordings": {
            "id": "r", "owner_id": "local", "blob_key": "k", "filename": "f", "size_bytes": 1,
            "sha256": "s", "created_at": now,
        },
        "jobs": {
            "id": "j", "owner_id": "local", "recording_id": "r", "status": "queued",
            "progress": 0.5, "priority": 0, "options": "{}", "request_digest": "d",
            "created_at": now, "queued_at": now, "available_at": now, "fence": 1,
            "failed_attempts": 0, "warnings": "[]",
        },
        "attempts": {
            "id": 1, "job_id": "j", "number": 1, "fence": 1, "worker": "w", "started_at": now,
            "outcome": "lost", "model": "demo", "device": "cpu", "batch_size_s": 300,
            "batch_reason": "because", "batches": 3, "oom_retries": 1,
        },
    }  # fmt: skip
    with db.writing() as session:
        for table, row in rows.items():
            names = ", ".join(row)
            places = ", ".join(f":{name}" for name in row)
            session.execute(text(f"INSERT INTO {table} ({names}) VALUES ({places})"), row)

    migrations.upgrade(empty_database_url)
    figures = jobs.get_job(db, owner_id="local", job_id="j").recognition
    assert figures is not None
    assert (figures.batches, figures.oom_retries, figures.batch_size_s) == (3, 1, 300)
    assert (figures.speech_s, figures.padded_s, figures.cpu_s, figures.dtype) == (None,) * 4
    with db.reading() as session:
        assert session.scalars(select(Attempt.discarded)).all() == [False]

    # A worker of the version before goes on beside the new schema until it is replaced.
    with db.writing() as session:
        session.execute(text(
            "INSERT INTO attempts (id, job_id, number, fence, worker, started_at, batches, "
            "oom_retries) VALUES (2, 'j', 2, 2, 'w', :now, 0, 0)"
        ), {"now": now})  # fmt: skip
        session.execute(text(
            "INSERT INTO workers (name, hostname, model, device, started_at, seen_at) "
            "VALUES ('w', 'h', 'demo', 'cpu', :now, :now)"
        ), {"now": now})  # fmt: skip
    assert len(jobs.get_job(db, owner_id="local", job_id="j").job.attempts) == 2
    with db.reading() as session:
        assert session.scalars(select(WorkerSeen.jobs_at_once)).all() == [1]
        assert session.scalars(select(Recording.estimated_s)).all() == [None]

    migrations.downgrade(empty_database_url, "0001")
    with db.engine.connect() as connection:
        kept = connection.execute(text("SELECT batches, batch_reason FROM attempts ORDER BY id"))
        assert kept.all() == [(3, "because"), (0, None)]
        assert "cpu_s" not in {c["name"] for c in inspect(connection).get_columns("attempts")}
    db.dispose()


def _force(db: Database, job_id: str, status: JobStatus) -> None:
    with db.writing() as session:
        session.execute(
            text("UPDATE jobs SET status = :status WHERE id = :id"),
            {"status": status.value, "id": job_id},
        )


@pytest.mark.parametrize("before", list(JobStatus))
def test_the_trigger_allows_what_transitions_allows_and_nothing_else(
    db: Database, before: JobStatus
) -> None:
    for after in JobStatus:
        job_id = factories.a_job(db, before)
        if after in TRANSITIONS[before] or after is before:
            _force(db, job_id, after)
            assert factories.status_of(db, job_id) == after
        else:
            with pytest.raises(DBAPIError, match="illegal job transition"):
                _force(db, job_id, after)
            assert factories.status_of(db, job_id) == before
        with db.writing() as session:  # or the next job would not be the one that is claimed
            session.execute(text("DELETE FROM jobs"))


@pytest.mark.parametrize("status", [s for s in JobStatus if s is not JobStatus.QUEUED])
def test_a_job_begins_queued(db: Database, status: JobStatus) -> None:
    job_id = factories.submit(db)
    columns = "owner_id, recording_id, progress, priority, options, request_digest, created_at, "
    columns += "queued_at, available_at, fence, failed_attempts, warnings"
    with pytest.raises(DBAPIError, match="a job begins queued"), db.writing() as session:
        session.execute(
            text(
                f"INSERT INTO jobs (id, status, {columns}) "
                f"SELECT 'copy', '{status.value}', {columns} FROM jobs WHERE id = :id"
            ),
            {"id": job_id},
        )


def test_every_state_can_be_reached_and_only_completed_is_final() -> None:
    reached = set(itertools.chain.from_iterable(TRANSITIONS.values())) | {JobStatus.QUEUED}
    assert reached == set(JobStatus)
    assert [status for status in JobStatus if not TRANSITIONS[status]] == [JobStatus.COMPLETED]
