"""Count the audio that each account submits in a month, and keep quotas of it.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "monthly_usage",
        sa.Column("owner_id", sa.String(length=64), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("audio_s", sa.Float(), nullable=False),
        sa.Column("recordings", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "month"),
    )
    # Without a default, so that no row is written anew: what was submitted before counts nothing.
    op.add_column("recordings", sa.Column("counted_s", sa.Float(), nullable=True))
    op.add_column("users", sa.Column("monthly_audio_s", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "monthly_audio_s")
    op.drop_column("recordings", "counted_s")
    op.drop_table("monthly_usage")
