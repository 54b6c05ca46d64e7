"""Keep words that are likely to be said, and tell which workers' models take them.

Revision ID: 0026
Revises: 0025
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_OF_A_JOB = ("named", "own", "everybodys")


def _set(name: str, *, nullable: bool) -> sa.Column[str]:
    return sa.Column(
        name, sa.String(64), sa.ForeignKey("hotword_sets.digest"), index=True, nullable=nullable
    )


def upgrade() -> None:
    op.create_table(
        "hotword_sets",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
    )
    op.create_table(
        "hotword_lists",
        sa.Column("owner_id", sa.String(64), primary_key=True),
        _set("digest", nullable=False),
        sa.Column("editor_id", sa.String(64), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "job_hotwords",
        sa.Column(
            "job_id",
            sa.String(36),
            sa.ForeignKey("jobs.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        *(_set(name, nullable=True) for name in _OF_A_JOB),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=True),
        sa.Column("found", sa.JSON(), nullable=True),
        sa.Column("found_size", sa.Integer(), nullable=True),
    )
    # Null: a worker of the version before does not say.
    op.add_column("workers", sa.Column("takes_hotwords", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("workers", "takes_hotwords")
    op.drop_table("job_hotwords")
    op.drop_table("hotword_lists")
    op.drop_table("hotword_sets")
