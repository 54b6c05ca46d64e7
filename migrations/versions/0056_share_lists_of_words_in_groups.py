"""Keep which lists of words of groups a job was submitted with.

Revision ID: 0056
Revises: 0055
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "job_group_replacements",
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("group_id", sa.String(36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "group_id"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_job_group_replacements_group_id", "job_group_replacements", ["group_id"])
    op.create_table(
        "job_group_hotwords",
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("job_id"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["digest"], ["hotword_sets.digest"]),
    )
    op.create_index("ix_job_group_hotwords_digest", "job_group_hotwords", ["digest"])


def downgrade() -> None:
    op.drop_table("job_group_hotwords")
    op.drop_table("job_group_replacements")
