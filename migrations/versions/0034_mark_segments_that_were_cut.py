"""Mark segments in which a recogniser repeated itself and was cut off.

Revision ID: 0034
Revises: 0033
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("segments", sa.Column("was_cut", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("segments", "was_cut")
