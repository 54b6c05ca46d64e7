"""Keep requests for minutes by a language model, its answers, and owners' prompts.

Revision ID: 0030
Revises: 0029
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_STATUS_KNOWN = "status IN ('queued', 'running', 'completed', 'failed', 'cancelled')"


def _of_some(name: str, column: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(
        name, "minutes_requests", [column], sqlite_where=condition, postgresql_where=condition
    )


def upgrade() -> None:
    op.create_table(
        "minutes_requests",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column(
            "job_id",
            sa.String(36),
            sa.ForeignKey("jobs.id", ondelete="CASCADE"),
            nullable=False,
            unique=True,
        ),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("prompts", sa.JSON(), nullable=False),
        sa.Column("model", sa.String(255), nullable=True),
        sa.Column("host", sa.String(255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.String(255), nullable=True),
        sa.Column("failed_attempts", sa.Integer(), nullable=False),
        sa.Column("answers_done", sa.Integer(), nullable=False),
        sa.Column("answers_planned", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.String(40), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("transcript_digest", sa.String(64), nullable=True),
        sa.Column("proposal", sa.JSON(), nullable=True),
        sa.Column("edited", sa.JSON(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(_STATUS_KNOWN, name="minutes_status_known"),
    )
    _of_some("minutes_waiting", "queued_at", "status = 'queued'")
    _of_some("minutes_running", "lease_expires_at", "status = 'running'")
    op.create_table(
        "minutes_answers",
        sa.Column(
            "request_id",
            sa.String(36),
            sa.ForeignKey("minutes_requests.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("content", sa.JSON(), nullable=False),
    )
    op.create_table(
        "minutes_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column(
            "request_id",
            sa.String(36),
            sa.ForeignKey("minutes_requests.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
    )
    op.create_index("minutes_events_of_request", "minutes_events", ["request_id", "id"])
    op.create_table(
        "minutes_prompts",
        sa.Column("owner_id", sa.String(64), primary_key=True),
        sa.Column("language", sa.String(8), primary_key=True),
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("minutes_prompts")
    op.drop_table("minutes_events")
    op.drop_table("minutes_answers")
    op.drop_table("minutes_requests")
