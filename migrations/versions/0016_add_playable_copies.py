"""Add playable copies to recordings.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_COLUMNS = ("playable_key", "playable_bytes", "playable_type")


def upgrade() -> None:
    op.add_column("recordings", sa.Column("playable_key", sa.String(200), nullable=True))
    op.add_column("recordings", sa.Column("playable_bytes", sa.BigInteger(), nullable=True))
    op.add_column("recordings", sa.Column("playable_type", sa.String(64), nullable=True))


def downgrade() -> None:
    for name in _COLUMNS:
        op.drop_column("recordings", name)
