"""Add the storage's id, and what workers wait for.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_COLUMNS = ("obstacles", "work_room_bytes", "work_disk_bytes")


def upgrade() -> None:
    op.create_table(
        "storage",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("identity", sa.String(36), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("id = 1", name="storage_is_one"),
    )
    # A worker of the version before goes on writing its row without these.
    op.add_column(
        "workers", sa.Column("obstacles", sa.String(255), nullable=False, server_default="")
    )
    op.add_column("workers", sa.Column("work_room_bytes", sa.BigInteger(), nullable=True))
    op.add_column("workers", sa.Column("work_disk_bytes", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    for name in _COLUMNS:
        op.drop_column("workers", name)
    op.drop_table("storage")
