"""The database's clock and looking up a row by itself, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

import pytest
from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared import jobs
from shared.db import Database, database_now, is_unavailable
from shared.models import LOCAL_OWNER, Job
from tests.support import factories


def test_a_statement_that_is_compiled_once_keeps_its_own_offset(db: Database) -> None:
    with db.reading() as session:
        times = [
            session.scalars(select(database_now(offset_s))).one()
            for offset_s in (3600.0, -3600.0, 3600.0)
        ]
    later, earlier, again = times
    assert round((later - earlier).total_seconds() / 60) == 120
    assert round((again - earlier).total_seconds() / 60) == 120
    assert select(database_now(1.0))._generate_cache_key() is not None


def test_a_single_statement_is_committed_with_no_transaction_around_it(db: Database) -> None:
    job_id = factories.submit(db)
    with db.writing_once() as session:
        session.execute(update(Job).where(Job.id == job_id).values(priority=-3))
    with db.reading() as session:
        assert session.scalar(select(Job.priority).where(Job.id == job_id)) == -3
    with pytest.raises(IntegrityError), db.writing_once() as session:
        session.execute(update(Job).where(Job.id == job_id).values(recording_id="none"))
    # The connection goes back as it came: several statements are one transaction again.
    with pytest.raises(ZeroDivisionError), db.writing() as session:
        session.execute(update(Job).where(Job.id == job_id).values(priority=5))
        raise ZeroDivisionError
    with db.reading() as session:
        assert session.scalar(select(Job.priority).where(Job.id == job_id)) == -3


def test_a_peek_gives_what_is_committed(db: Database) -> None:
    statement = select(Job.status, Job.priority).where(Job.id == bindparam("job_id"))
    job_id = factories.submit(db, priority=-3)
    assert db.peek(statement, {"job_id": job_id}) == [("queued", -3)]
    factories.claim(db)
    assert db.peek(statement, {"job_id": job_id}) == [("processing", -3)]
    assert db.peek(statement, {"job_id": "another"}) == []


def test_after_a_peek_without_an_answer_there_is_none_for_a_while(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database(postgresql_url)
    statement = select(Job.id)
    rows = db.peek(select(func.pg_backend_pid()), {})
    assert rows is not None
    with db.reading() as session:
        session.execute(select(func.pg_terminate_backend(rows[0][0])))
    assert db.peek(statement, {}) is None
    assert db.peek(statement, {}) is None
    monkeypatch.setattr(db, "_no_peeks_until", 0.0)
    assert db.peek(statement, {}) == []
    db.dispose()


def test_what_is_read_over_and_over_is_planned_once(postgresql_url: str) -> None:
    db = Database(postgresql_url)
    for _ in range(5):
        factories.submit(db)
    # PostgreSQL chooses by what it last counted, which may be the rows of an earlier test.
    with db.writing() as session:
        session.execute(text("ANALYZE"))
    times = 15
    for _ in range(times):
        jobs.list_jobs(db, owner_id=LOCAL_OWNER)
    with db.reading() as session:
        plans = session.execute(
            text(
                "SELECT generic_plans, custom_plans, statement FROM pg_prepared_statements "
                "WHERE generic_plans + custom_plans > 5"
            )
        ).all()
    assert len(plans) >= 3  # the queue, what runs in it, the rows
    assert [row.statement for row in plans if not row.generic_plans] == []
    db.dispose()


def test_what_was_prepared_before_a_migration_ends_its_connection_and_no_more(
    postgresql_url: str,
) -> None:
    old, migrating = Database(postgresql_url), Database(postgresql_url)
    with migrating.writing() as session:
        session.execute(text("CREATE TABLE numbers AS SELECT 1::integer AS number"))

    def read() -> list[int]:
        with old.reading() as session:
            return list(session.scalars(text("SELECT number FROM numbers")))

    for _ in range(10):
        assert read() == [1]
    with migrating.writing() as session:
        session.execute(text("ALTER TABLE numbers ALTER number TYPE bigint"))
    with pytest.raises(DBAPIError) as outdated:
        read()
    assert is_unavailable(outdated.value)
    assert read() == [1]
    old.dispose()
    migrating.dispose()


def test_an_exchange_is_committed_and_leaves_its_connection_as_it_was(postgresql_url: str) -> None:
    db = Database(postgresql_url)
    job_id = factories.submit(db)
    given = bindparam("given", type_=Job.priority.type)
    statement = update(Job).where(Job.id == bindparam("of")).values(priority=given)
    statement = statement.returning(Job.priority)
    assert db.exchange(statement, {"of": job_id, "given": -3}) == [(-3,)]
    with pytest.raises(DBAPIError) as refused:
        db.exchange(statement, {"of": job_id, "given": "none"})
    assert not is_unavailable(refused.value)
    with pytest.raises(ZeroDivisionError), db.writing() as session:
        session.execute(update(Job).values(priority=5))
        raise ZeroDivisionError
    assert db.exchange(statement, {"of": "another", "given": 1}) == []
    with db.reading() as session:
        assert session.scalars(select(Job.priority)).all() == [-3]
    db.dispose()


class NoZone(tzinfo):
    def utcoffset(self, when: datetime | None) -> timedelta:
        raise LookupError


def test_an_exchange_that_breaks_off_leaves_its_connection_to_nobody(postgresql_url: str) -> None:
    db = Database(postgresql_url)
    factories.submit(db)
    statement = update(Job).where(Job.id == bindparam("of")).values(priority=4).returning(Job.id)
    with pytest.raises(LookupError):
        db.exchange(statement, {"of": datetime(2026, 1, 1, tzinfo=NoZone())})
    with pytest.raises(ZeroDivisionError), db.writing() as session:
        session.execute(update(Job).values(priority=5))
        raise ZeroDivisionError
    with db.reading() as session:
        assert session.scalars(select(Job.priority)).all() == [0]
    db.dispose()


def test_an_exchange_with_a_database_that_went_away_is_known_for_that(postgresql_url: str) -> None:
    statement = update(Job).values(priority=0).returning(Job.id)
    with pytest.raises(DBAPIError) as nowhere:
        Database("postgresql+psycopg://127.0.0.1:1").exchange(statement, {})
    assert is_unavailable(nowhere.value)
    db = Database(postgresql_url)
    ended = (
        update(Job).values(priority=0).returning(func.pg_terminate_backend(func.pg_backend_pid()))
    )
    factories.submit(db)
    with pytest.raises(DBAPIError) as cut:
        db.exchange(ended, {})
    assert is_unavailable(cut.value)
    assert len(db.exchange(statement, {})) == 1
    db.dispose()


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all.db", "postgresql+psycopg://127.0.0.1:1"]
)
def test_a_peek_where_no_database_is_gives_nothing(url: str) -> None:
    assert Database(url).peek(select(Job.id), {}) is None
