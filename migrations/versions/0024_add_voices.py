"""Keep whose voice is where, and what people changed of who spoke.

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("segments", sa.Column("voices", sa.LargeBinary(), nullable=True))
    op.create_table(
        "voice_maps",
        sa.Column(
            "job_id",
            sa.String(36),
            sa.ForeignKey("jobs.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("content", sa.JSON(), nullable=False),
    )
    op.create_table(
        "speaker_edits",
        sa.Column(
            "job_id",
            sa.String(36),
            sa.ForeignKey("jobs.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("editor_id", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number > 0", name="speaker_edits_begin_with_one"),
    )


def downgrade() -> None:
    op.drop_table("speaker_edits")
    op.drop_table("voice_maps")
    op.drop_column("segments", "voices")
