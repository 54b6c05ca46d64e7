"""Let events of jobs be told in browsers, by Web Push.

Revision ID: 0049
Revises: 0048
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("webhooks", sa.Column("url_sha256", sa.String(64), nullable=True))
    op.add_column("webhooks", sa.Column("push_keys", sa.JSON(), nullable=True))
    op.add_column("webhooks", sa.Column("sign_in_sha256", sa.String(64), nullable=True))
    op.create_index(
        "webhooks_one_browser",
        "webhooks",
        ["url_sha256"],
        unique=True,
        sqlite_where=sa.text("kind = 'push'"),
        postgresql_where=sa.text("kind = 'push'"),
    )
    op.create_table(
        "vapid_keys",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("private_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name="vapid_keys_is_one"),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("vapid_keys")
    op.execute("DELETE FROM webhooks WHERE kind = 'push'")
    op.drop_index("webhooks_one_browser", "webhooks")
    op.drop_column("webhooks", "sign_in_sha256")
    op.drop_column("webhooks", "push_keys")
    op.drop_column("webhooks", "url_sha256")
