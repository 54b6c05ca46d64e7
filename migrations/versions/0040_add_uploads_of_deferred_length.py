"""Take uploads whose length is told at their end.

Revision ID: 0040
Revises: 0039
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a default in the database: web servers of the version before write rows without it.
    op.add_column(
        "uploads",
        sa.Column("is_length_deferred", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    op.drop_column("uploads", "is_length_deferred")
