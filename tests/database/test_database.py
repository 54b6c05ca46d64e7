"""The database's clock, on both databases."""

from __future__ import annotations

from sqlalchemy import select

from shared.db import Database, database_now


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
