"""Keep a recording's title, date, people and tags, and each change of them.

Revision ID: 0033
Revises: 0032
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("title", sa.String(255)),
    ("held_on", sa.Date()),
    ("people", sa.JSON()),
    ("tags", sa.JSON()),
    ("folded_details", sa.Text()),
)

_BEHIND = (
    "UPDATE search_entries SET indexed = false "
    "WHERE job_id IN (SELECT id FROM jobs WHERE recording_id = NEW.id)"
)


def upgrade() -> None:
    for name, kind in _COLUMNS:
        op.add_column("recordings", sa.Column(name, kind, nullable=True))
    op.create_table(
        "labels",
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("folded", sa.String(80), nullable=False),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner_id", "kind", "folded", "job_id"),
    )
    op.create_index("ix_labels_job_id", "labels", ["job_id"])
    op.create_table(
        "annotation_edits",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("owner_id", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("editor_id", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number > 0", name="annotation_edits_begin_with_one"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id", "number", name="annotation_edits_number_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("annotation_edits_of_owner", "annotation_edits", ["owner_id", "id"])
    _create_trigger()


def _create_trigger() -> None:
    when = "AFTER UPDATE OF folded_details ON recordings"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION search_entries_details() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {_BEHIND}; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER search_entries_details {when} "
            "FOR EACH ROW EXECUTE FUNCTION search_entries_details()"
        )
    else:
        op.execute(f"CREATE TRIGGER search_entries_details {when} BEGIN {_BEHIND}; END")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER search_entries_details ON recordings")
        op.execute("DROP FUNCTION search_entries_details")
    else:
        op.execute("DROP TRIGGER search_entries_details")
    op.drop_table("annotation_edits")
    op.drop_table("labels")
    for name, _ in reversed(_COLUMNS):
        op.drop_column("recordings", name)
