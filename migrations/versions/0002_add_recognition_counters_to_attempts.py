"""Counters of what each attempt recognised and used, so that a job's page can show them.

Attempts of before keep null where nothing was counted: a nought would be wrong.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COUNTED = {
    "dtype": sa.String(length=40),
    "speech_samples": sa.BigInteger(),
    "padded_samples": sa.BigInteger(),
    "largest_batch_samples": sa.BigInteger(),
    "recognition_s": sa.Float(),
    "cpu_s": sa.Float(),
}


def upgrade() -> None:
    for name, kind in _COUNTED.items():
        op.add_column("attempts", sa.Column(name, kind, nullable=True))
    op.add_column(
        "attempts",
        sa.Column("discarded", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    for name in ("discarded", *_COUNTED):
        op.drop_column("attempts", name)
