"""Reserve the room that uploads announce, and let no raised priority stand that is not allowed.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reservations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_id", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_reservations_owner_id", "reservations", ["owner_id"])
    op.create_index("ix_reservations_expires_at", "reservations", ["expires_at"])
    op.add_column("uploads", sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True))
    # Uploads are kept for a day, so there are few; a recording keeps its upload's id in its key.
    op.execute("""
        UPDATE uploads SET submitted_at = created_at WHERE EXISTS (
            SELECT 1 FROM recordings
            WHERE blob_key = substr(uploads.id, 35, 2) || '/' || uploads.id
        )
    """)
    op.execute("""
        UPDATE jobs SET priority = 0
        WHERE status = 'queued' AND priority > 0
        AND owner_id IN (SELECT id FROM users WHERE NOT is_admin)
    """)


def downgrade() -> None:
    op.drop_column("uploads", "submitted_at")
    op.drop_table("reservations")
