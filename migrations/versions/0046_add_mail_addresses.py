"""Let events of jobs be told by mail as by webhooks.

Revision ID: 0046
Revises: 0045
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "webhooks", sa.Column("kind", sa.String(16), nullable=False, server_default="webhook")
    )
    op.add_column("webhooks", sa.Column("language", sa.String(8), nullable=True))
    op.add_column(
        "webhooks",
        sa.Column("is_confirmed", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.create_index(
        "webhooks_one_mail_address",
        "webhooks",
        ["owner_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'mail'"),
        postgresql_where=sa.text("kind = 'mail'"),
    )


def downgrade() -> None:
    # To the version before, each would be a webhook without an address of the web.
    op.execute("DELETE FROM webhooks WHERE kind <> 'webhook'")
    op.drop_index("webhooks_one_mail_address", "webhooks")
    op.drop_column("webhooks", "is_confirmed")
    op.drop_column("webhooks", "language")
    op.drop_column("webhooks", "kind")
