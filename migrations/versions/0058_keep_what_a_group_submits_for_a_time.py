"""Keep for how long a group has what its members submit.

On PostgreSQL the index is built while jobs are submitted and worked off.

Revision ID: 0058
Revises: 0057
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

_INDEX = "jobs_kept_for_days"
_COLUMNS = ["kept_days", "completed_at"]
_WHERE = sa.text("kept_days IS NOT NULL")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # They are committed before the index is built, which may be interrupted.
        for table in ("account_groups", "jobs"):
            op.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS kept_days INTEGER")
        with op.get_context().autocommit_block():
            # One whose building was interrupted is there, and invalid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_INDEX}")
            op.create_index(
                _INDEX, "jobs", _COLUMNS, postgresql_where=_WHERE, postgresql_concurrently=True
            )
    else:
        for table in ("account_groups", "jobs"):
            op.add_column(table, sa.Column("kept_days", sa.Integer(), nullable=True))
        op.create_index(_INDEX, "jobs", _COLUMNS, sqlite_where=_WHERE)


def downgrade() -> None:
    op.drop_index(_INDEX, table_name="jobs")
    op.drop_column("jobs", "kept_days")
    op.drop_column("account_groups", "kept_days")
