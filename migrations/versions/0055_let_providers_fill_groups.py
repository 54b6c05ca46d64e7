"""Keep which groups, and whom in them, an OpenID Connect provider put there.

Revision ID: 0055
Revises: 0054
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

_TABLES = ("account_groups", "group_members")


def upgrade() -> None:
    for table in _TABLES:
        op.add_column(table, sa.Column("issuer", sa.String(255), nullable=True))


def downgrade() -> None:
    for table in _TABLES:
        op.drop_column(table, "issuer")
