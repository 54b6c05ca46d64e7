"""Events of each job; those of older jobs are reconstructed from their rows as far as possible.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_KINDS = (
    "submitted", "claimed", "decoded", "recognising", "planned", "out_of_memory", "discarded",
    "punctuating", "saving", "lost", "retrying", "released", "cancel_asked", "cancelled",
    "retried", "completed", "failed",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            f"kind IN ({', '.join(repr(kind) for kind in _KINDS)})", name="events_kind_known"
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("events_of_job", "events", ["job_id", "id"], unique=False)
    _tell_of_before()


def _tell_of_before() -> None:
    """Submissions, attempts and their outcomes, the last retry, and how each job ended."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    json = "json_object" if is_sqlite else "json_build_object"
    nothing = "'{}'" if is_sqlite else "CAST('{}' AS json)"
    # A job's last status change was written an instant before its attempt's end.
    last = f"{'max' if is_sqlite else 'greatest'}(j.completed_at, coalesce(a.ended_at, j.completed_at))"
    op.execute(f"""
        INSERT INTO events (job_id, at, kind, attempt, detail)
        SELECT job_id, at, kind, attempt, detail FROM (
            SELECT 0 AS place, j.id AS job_id, j.created_at AS at, 'submitted' AS kind,
                   CAST(NULL AS integer) AS attempt, {nothing} AS detail
            FROM jobs j
            UNION ALL
            SELECT 1, j.id, j.queued_at, 'retried', NULL, {nothing}
            FROM jobs j
            -- Only a retry moves this on: an attempt of the first time began after it.
            WHERE EXISTS (SELECT 1 FROM attempts a
                          WHERE a.job_id = j.id AND a.started_at < j.queued_at)
            UNION ALL
            SELECT 2, a.job_id, a.started_at, 'claimed', a.number, {nothing}
            FROM attempts a
            UNION ALL
            SELECT 3, a.job_id, coalesce(a.ended_at, a.started_at), a.outcome, a.number,
                   {json}('code', a.error_code, 'message', a.error_message)
            FROM attempts a WHERE a.outcome IS NOT NULL
            UNION ALL
            SELECT 4, j.id, {last}, j.status, CASE WHEN j.completed_at <= a.ended_at THEN a.number END,
                   {json}('code', j.error_code, 'message', j.error_message)
            FROM jobs j LEFT JOIN attempts a ON a.job_id = j.id AND a.fence = j.fence
            WHERE j.status IN ('failed', 'cancelled') AND j.completed_at IS NOT NULL
              AND (a.outcome IS NULL OR a.outcome <> j.status)
        ) AS told
        ORDER BY job_id, at, place
    """)


def downgrade() -> None:
    op.drop_index("events_of_job", table_name="events")
    op.drop_table("events")
