"""Tell which of a recording's jobs it counts for in the month's use.

Revision ID: 0059
Revises: 0058
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("recordings", sa.Column("counted_for", sa.String(36), nullable=True))
    op.add_column("jobs", sa.Column("counted_again", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "counted_again")
    op.drop_column("recordings", "counted_for")
