"""How long the oldest of the waiting jobs has waited."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event, update

from shared import jobs
from shared.db import Database, database_now
from shared.models import Job
from tests.support import factories
from tests.support.databases.many_jobs import make_many_jobs


def test_the_oldest_that_waits_counts_whatever_model_it_wants(db: Database) -> None:
    assert jobs.oldest_wait_s(db) == 0.0
    first, _ = factories.submit(db), factories.submit(db)
    assert 0.0 <= jobs.oldest_wait_s(db) < 60.0
    _queue_earlier(db, first, hours=2)
    assert 7200 <= jobs.oldest_wait_s(db) < 7260
    claim = factories.claim(db)
    assert claim.job_id == first
    assert jobs.oldest_wait_s(db) < 60.0


def _queue_earlier(db: Database, job_id: str, *, hours: int) -> None:
    with db.writing() as session:
        session.execute(
            update(Job).where(Job.id == job_id).values(queued_at=database_now(-3600.0 * hours))
        )


def test_it_reads_what_waits_and_no_other_job(db: Database) -> None:
    """With a million jobs that have ended, none of them may be looked at."""
    make_many_jobs(db, ended=3_000, waiting=3)
    asked: list[str] = []
    event.listen(
        db.engine, "before_cursor_execute", lambda *given: asked.append(given[2]), named=False
    )
    jobs.oldest_wait_s(db)
    [statement] = [one for one in asked if "min(" in one]
    with db.engine.connect() as connection:
        if db.is_sqlite:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
            read = [row[3] for row in plan if "jobs" in row[3]]
            assert len(read) == 2
            assert all("USING INDEX jobs_waiting_for_" in one for one in read), read
        else:
            # Not which index: where several hold the few rows, PostgreSQL takes any of them.
            [[plan]] = connection.exec_driver_sql(
                f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
            ).all()
            assert 3 <= _rows_read(plan[0]["Plan"]) <= 6


def _rows_read(node: dict[str, Any]) -> int:
    """Rows of `jobs` that a plan, as PostgreSQL tells it, took from the table or an index."""
    own = 0
    if node.get("Relation Name") == "jobs":
        own = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return int(own) + sum(_rows_read(child) for child in node.get("Plans", []))
