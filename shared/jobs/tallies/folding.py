"""Changes of the tallies folded into sums, so that reading them stays as quick as it is.

On PostgreSQL a change is a row of its own: transactions that count jobs of one owner then never
wait for one another. SQLite has one writer, and its triggers correct the sums themselves.
"""

from __future__ import annotations

from functools import cache

from sqlalchemy import TextClause, select, text

from shared.db import Database
from shared.dialects import told_limit
from shared.models import StoredTally, Tally

_AT_ONCE = 10_000

# What somebody else folds at this moment is skipped, and a sum that he holds is left to the next:
# several sums of the same are no harm.
_FOLD = """
    WITH changes AS (
        SELECT id, {keys} FROM {table} WHERE NOT is_sum
        ORDER BY id LIMIT {at_once} FOR UPDATE SKIP LOCKED
    ), sums AS (
        SELECT id FROM {table}
        WHERE is_sum AND ({keys}) IN (SELECT {keys} FROM changes)
        FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM {table} WHERE id IN (SELECT id FROM changes UNION ALL SELECT id FROM sums)
        RETURNING {keys}, {counted}
    )
    INSERT INTO {table} ({keys}, {counted}, is_sum)
    SELECT {keys}, {sums}, true FROM gone
    GROUP BY {keys} HAVING {any_left}
"""


@cache
def _fold(table: type[Tally] | type[StoredTally], keys: str, *counted: str) -> TextClause:
    sums = [f"sum({column})" for column in counted]
    return text(
        _FOLD.format(
            table=table.__tablename__,
            keys=keys,
            counted=", ".join(counted),
            sums=", ".join(sums),
            any_left=" OR ".join(f"{total} <> 0" for total in sums),
            at_once=_AT_ONCE,
        )
    )


def fold(db: Database) -> None:
    """Fold what is committed and nobody else is folding, some changes in a transaction: of the jobs
    and of the bytes that are stored."""
    if db.is_sqlite:
        return
    before: tuple[int | None, int | None] = None, None
    # Those that somebody else holds are still the first afterwards.
    while (first := _first_changes(db)) != (None, None) and first != before:
        of_jobs, of_bytes = first
        with db.writing() as session:
            if of_jobs is not None:
                session.execute(_fold(Tally, "owner_id, status", "jobs", "audio_ms"))
            if of_bytes is not None:
                session.execute(_fold(StoredTally, "owner_id", "bytes"))
        before = first


def _first_changes(db: Database) -> tuple[int | None, int | None]:
    of_jobs, of_bytes = (
        select(table.id).where(~table.is_sum).order_by(table.id).limit(told_limit(1))
        for table in (Tally, StoredTally)
    )
    with db.reading() as session:
        row = session.execute(select(of_jobs.scalar_subquery(), of_bytes.scalar_subquery())).one()
    return row[0], row[1]
