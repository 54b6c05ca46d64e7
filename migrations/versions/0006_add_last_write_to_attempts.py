"""Name of an attempt's last write, for a worker that did not hear whether it was committed.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("last_write", sa.String(length=36), nullable=True))


def downgrade() -> None:
    op.drop_column("attempts", "last_write")
