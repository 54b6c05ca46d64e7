"""Estimated length of a recording before it is decoded, and number of jobs that a worker runs.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("recordings", sa.Column("estimated_s", sa.Float(), nullable=True))
    # A worker of the version before says nothing of it.
    op.add_column(
        "workers",
        sa.Column("jobs_at_once", sa.Integer(), nullable=False, server_default="1"),
    )


def downgrade() -> None:
    op.drop_column("workers", "jobs_at_once")
    op.drop_column("recordings", "estimated_s")
