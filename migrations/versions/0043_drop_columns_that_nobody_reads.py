"""Drop columns that nobody reads: the events of minutes name the worker, and no page tells since
when a voice, a prompt or the switch of the voices is there.

Revision ID: 0043
Revises: 0042
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_TIMES = (
    ("minutes_prompts", "changed_at"),
    ("kept_voices", "created_at"),
    ("voice_keeping", "since"),
)


def upgrade() -> None:
    op.drop_column("minutes_requests", "worker")
    for table, column in _TIMES:
        op.drop_column(table, column)


def downgrade() -> None:
    op.add_column("minutes_requests", sa.Column("worker", sa.String(255), nullable=True))
    # What was kept until then counts as kept from then on.
    now = sa.literal(datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"))
    default = sa.text(str(now.compile(compile_kwargs={"literal_binds": True})))
    for table, column in _TIMES:
        op.add_column(
            table,
            sa.Column(column, sa.DateTime(timezone=True), nullable=False, server_default=default),
        )
