"""Find the newest audit entries of an act by an index.

On PostgreSQL it is built while entries are written.

Revision ID: 0057
Revises: 0056
"""

from __future__ import annotations

from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

_NAME = "audit_entries_of_act"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        with op.get_context().autocommit_block():
            # One whose building was interrupted is there, and invalid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_NAME}")
            op.create_index(_NAME, "audit_entries", ["act", "id"], postgresql_concurrently=True)
    else:
        op.create_index(_NAME, "audit_entries", ["act", "id"])


def downgrade() -> None:
    op.drop_index(_NAME, table_name="audit_entries")
