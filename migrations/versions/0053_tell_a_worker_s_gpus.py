"""Let workers tell of their GPUs.

Revision ID: 0053
Revises: 0052
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("gpus", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("workers", "gpus")
