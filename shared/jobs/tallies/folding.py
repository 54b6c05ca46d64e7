"""Changes of the tallies folded into sums, so that reading them stays as quick as it is.

On PostgreSQL a change is a row of its own: transactions that count jobs of one owner then never
wait for one another. SQLite has one writer, and its triggers correct the sums themselves.
"""

from __future__ import annotations

from sqlalchemy import select, text

from shared.db import Database
from shared.dialects import told_limit
from shared.models import Tally

_AT_ONCE = 10_000

# What somebody else folds at this moment is skipped, and a sum that he holds is left to the next:
# several sums of one owner and state are no harm.
_FOLD = text(f"""
    WITH changes AS (
        SELECT id, owner_id, status FROM tallies WHERE NOT is_sum
        ORDER BY id LIMIT {_AT_ONCE} FOR UPDATE SKIP LOCKED
    ), sums AS (
        SELECT id FROM tallies
        WHERE is_sum AND (owner_id, status) IN (SELECT owner_id, status FROM changes)
        FOR UPDATE SKIP LOCKED
    ), gone AS (
        DELETE FROM tallies WHERE id IN (SELECT id FROM changes UNION ALL SELECT id FROM sums)
        RETURNING owner_id, status, jobs, audio_ms
    )
    INSERT INTO tallies (owner_id, status, jobs, audio_ms, is_sum)
    SELECT owner_id, status, sum(jobs), sum(audio_ms), true FROM gone
    GROUP BY owner_id, status HAVING sum(jobs) <> 0 OR sum(audio_ms) <> 0
""")


def fold(db: Database) -> None:
    """Fold what is committed and nobody else is folding, some changes in a transaction."""
    if db.is_sqlite:
        return
    before = None
    # Those that somebody else holds are still the first afterwards.
    while (first := _first_change(db)) is not None and first != before:
        with db.writing() as session:
            session.execute(_FOLD)
        before = first


def _first_change(db: Database) -> int | None:
    with db.reading() as session:
        return session.scalar(
            select(Tally.id).where(~Tally.is_sum).order_by(Tally.id).limit(told_limit(1))
        )
