"""Let what an owner has stored be summed from an index alone.

On PostgreSQL it is built while jobs are submitted and worked off.

Revision ID: 0028
Revises: 0027
"""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_OLD = ("ix_recordings_owner_id", ["owner_id"])
_NEW = ("recordings_of_owner", ["owner_id", "size_bytes", "playable_bytes"])


def upgrade() -> None:
    _replace(_OLD, _NEW)


def downgrade() -> None:
    _replace(_NEW, _OLD)


def _replace(old: tuple[str, list[str]], new: tuple[str, list[str]]) -> None:
    name, columns = new
    if op.get_bind().dialect.name == "postgresql":
        with op.get_context().autocommit_block():
            # One whose building was interrupted is there, and invalid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.create_index(name, "recordings", columns, postgresql_concurrently=True)
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {old[0]}")
    else:
        op.create_index(name, "recordings", columns)
        op.drop_index(old[0], table_name="recordings")
