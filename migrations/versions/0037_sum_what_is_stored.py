"""Sum the bytes that were stored before.

What is missing from the tallies is added in one statement, which sees the recordings and the
tallies as of one moment, and so waits for nobody and lets nobody wait.

Revision ID: 0037
Revises: 0036
"""

from __future__ import annotations

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # The triggers must be there for others before anything is summed.
        with op.get_context().autocommit_block():
            _sum("false")
    else:
        _sum("1")


def _sum(is_sum: str) -> None:
    op.execute(f"""
        INSERT INTO stored_tallies (owner_id, bytes, is_sum)
        SELECT owner_id, sum(bytes), {is_sum}
        FROM (
            SELECT owner_id, size_bytes + coalesce(playable_bytes, 0) AS bytes FROM recordings
            UNION ALL
            SELECT owner_id, -bytes FROM stored_tallies
        ) AS summed
        GROUP BY owner_id
        HAVING sum(bytes) <> 0""")


def downgrade() -> None:
    pass
