"""Add the share of doubtful words to jobs.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("low_confidence_share", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "low_confidence_share")
