"""Keep lists of replacements, which version of them each job has, and what rules changed.

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "replacement_lists",
        sa.Column("owner_id", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
    )
    op.create_table(
        "replacements",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("wrong", sa.String(100), nullable=False),
        sa.Column("right", sa.String(100), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=True),
        sa.CheckConstraint("removed > added", name="replacements_stand_for_a_version"),
    )
    op.create_index("replacements_of_owner", "replacements", ["owner_id", "id"])
    op.create_index(
        "replacements_stand_once",
        "replacements",
        ["owner_id", "key"],
        unique=True,
        sqlite_where=sa.text("removed IS NULL"),
        postgresql_where=sa.text("removed IS NULL"),
    )
    op.add_column("jobs", sa.Column("replacements_version", sa.Integer(), nullable=True))
    op.add_column("jobs", sa.Column("shared_replacements_version", sa.Integer(), nullable=True))
    op.add_column("revisions", sa.Column("rule", sa.String(16), nullable=True))


def downgrade() -> None:
    op.drop_column("revisions", "rule")
    op.drop_column("jobs", "shared_replacements_version")
    op.drop_column("jobs", "replacements_version")
    op.drop_table("replacements")
    op.drop_table("replacement_lists")
