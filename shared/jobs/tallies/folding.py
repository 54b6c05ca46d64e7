"""Changes of the tallies folded into sums, so that reading them stays as quick as it is.

On PostgreSQL a change is a row of its own: transactions that count jobs of one owner then never
wait for one another. SQLite has one writer, and its triggers correct the sums themselves.
"""

from __future__ import annotations

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.db import Database
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
    """Fold all changes that are committed, some in a transaction."""
    while _any_changes(db):
        with db.writing() as session:
            if not fold_some(session, db):
                return


def fold_some(session: Session, db: Database) -> bool:
    """Fold some changes, in a transaction of the caller's; False if there may be none left."""
    if db.is_sqlite:
        return False
    before = session.scalar(select(Tally.id).where(~Tally.is_sum).order_by(Tally.id).limit(1))
    session.execute(_FOLD)
    return before is not None


def _any_changes(db: Database) -> bool:
    if db.is_sqlite:
        return False
    with db.reading() as session:
        return session.scalar(select(Tally.id).where(~Tally.is_sum).limit(1)) is not None
