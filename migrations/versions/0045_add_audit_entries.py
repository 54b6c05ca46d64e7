"""Add the audit log, and switch off the webhooks of disabled accounts.

Revision ID: 0045
Revises: 0044
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("means", sa.String(16), nullable=False),
        sa.Column("actor_id", sa.String(64), nullable=True),
        sa.Column("key_id", sa.String(36), nullable=True),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("request_id", sa.String(36), nullable=True),
        sa.Column("object_id", sa.String(64), nullable=True),
        sa.Column("subject_id", sa.String(64), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_entries_by_time", "audit_entries", ["at"])
    op.create_index("audit_entries_of_actor", "audit_entries", ["actor_id", "id"])
    op.create_index("audit_entries_of_subject", "audit_entries", ["subject_id", "id"])
    # Accounts that were disabled before had theirs go on.
    op.execute(
        "UPDATE webhooks SET disabled_reason = 'account', disabled_at = "
        "(SELECT users.disabled_at FROM users WHERE users.id = webhooks.owner_id) "
        "WHERE disabled_at IS NULL AND owner_id IN "
        "(SELECT id FROM users WHERE users.disabled_at IS NOT NULL)"
    )


def downgrade() -> None:
    op.drop_table("audit_entries")
