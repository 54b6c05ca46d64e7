"""Corrections by people, beside the recognised text; neither can be rewritten.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_FOR_GOOD = {
    "revisions": ("UPDATE", "a revision is never changed"),
    "transcripts": ("UPDATE OF job_id, content", "the recognised text is never changed"),
}


def _create_triggers() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, (event, words) in _FOR_GOOD.items():
        if sqlite:
            op.execute(f"""
                CREATE TRIGGER {table}_for_good BEFORE {event} ON {table}
                BEGIN SELECT RAISE(ABORT, '{words}'); END
            """)
            continue
        op.execute(f"""
            CREATE FUNCTION {table}_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE EXCEPTION '{words}' USING ERRCODE = 'check_violation';
            END $$
        """)
        op.execute(f"""
            CREATE TRIGGER {table}_for_good BEFORE {event} ON {table}
            FOR EACH ROW EXECUTE FUNCTION {table}_refuse_change()
        """)


def _drop_triggers() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in _FOR_GOOD:
        if sqlite:
            op.execute(f"DROP TRIGGER {table}_for_good")
            continue
        op.execute(f"DROP TRIGGER {table}_for_good ON {table}")
        op.execute(f"DROP FUNCTION {table}_refuse_change()")


def upgrade() -> None:
    op.create_table(
        "revisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("sentence", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("editor_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("revision > 0", name="revisions_come_after_the_recognised_text"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id", "sentence", "revision", name="revisions_number_once"),
    )
    op.create_index("revisions_of_job", "revisions", ["job_id", "id"], unique=False)
    _create_triggers()


def downgrade() -> None:
    _drop_triggers()
    op.drop_index("revisions_of_job", table_name="revisions")
    op.drop_table("revisions")
