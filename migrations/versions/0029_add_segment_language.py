"""Keep which language is spoken in each segment.

Revision ID: 0029
Revises: 0028
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("segments", sa.Column("language", sa.String(8), nullable=True))


def downgrade() -> None:
    op.drop_column("segments", "language")
