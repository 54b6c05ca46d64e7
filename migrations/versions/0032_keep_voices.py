"""Keep voices under a name, for owners who want that.

Revision ID: 0032
Revises: 0031
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "voice_keeping",
        sa.Column("owner_id", sa.String(64), primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "group_voices",
        _of("job_id", 36, "jobs.id", primary_key=True),
        _of("owner_id", 64, "voice_keeping.owner_id", nullable=False),
        sa.Column("encoder", sa.String(64), nullable=False),
        sa.Column("vectors", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_group_voices_owner_id", "group_voices", ["owner_id"])
    op.create_table(
        "kept_voices",
        sa.Column("id", sa.String(36), primary_key=True),
        _of("owner_id", 64, "voice_keeping.owner_id", nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("owner_id", "name", name="kept_voices_name_once"),
    )
    op.create_index("ix_kept_voices_owner_id", "kept_voices", ["owner_id"])
    op.create_table(
        "voice_enrolments",
        _of("voice_id", 36, "kept_voices.id", primary_key=True),
        _of("job_id", 36, "jobs.id", primary_key=True),
        sa.Column("encoder", sa.String(64), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
    )
    op.create_index("ix_voice_enrolments_job_id", "voice_enrolments", ["job_id"])
    op.create_table(
        "voice_refusals",
        _of("job_id", 36, "jobs.id", primary_key=True),
        sa.Column("speaker", sa.Integer(), primary_key=True, autoincrement=False),
        _of("voice_id", 36, "kept_voices.id", primary_key=True),
    )
    op.create_index("ix_voice_refusals_voice_id", "voice_refusals", ["voice_id"])


def _of(name: str, length: int, column: str, **how: bool) -> sa.Column[str]:
    """A column that names a row of another table, with which its own row goes."""
    return sa.Column(name, sa.String(length), sa.ForeignKey(column, ondelete="CASCADE"), **how)


def downgrade() -> None:
    for table in (
        "voice_refusals",
        "voice_enrolments",
        "kept_voices",
        "group_voices",
        "voice_keeping",
    ):
        op.drop_table(table)
