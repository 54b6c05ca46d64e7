"""Tally the jobs that were there before.

What is missing from the tallies is added in one statement, which sees the jobs and the tallies as
of one moment, and so waits for nobody and lets nobody wait.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # The triggers must be there for others before anything is counted.
        with op.get_context().autocommit_block():
            _count("round(1000 * least(1e9, {}))::bigint", "false")
    else:
        _count("CAST(round(1000 * min(1e9, {})) AS INTEGER)", "1")


def _count(audio_ms: str, is_sum: str) -> None:
    seconds = "coalesce(r.duration_s, r.estimated_s, r.size_bytes / 16000.0, 0)"
    op.execute(f"""
        INSERT INTO tallies (owner_id, status, jobs, audio_ms, is_sum)
        SELECT owner_id, status, sum(jobs), sum(audio_ms), {is_sum}
        FROM (
            SELECT j.owner_id, j.status, 1 AS jobs, {audio_ms.format(seconds)} AS audio_ms
            FROM jobs AS j JOIN recordings AS r ON r.id = j.recording_id
            UNION ALL
            SELECT owner_id, status, -jobs, -audio_ms FROM tallies
        ) AS counted
        GROUP BY owner_id, status
        HAVING sum(jobs) <> 0 OR sum(audio_ms) <> 0""")


def downgrade() -> None:
    pass
