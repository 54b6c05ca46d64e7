"""Let a job name the model that is to recognise it, and workers tell theirs.

On PostgreSQL the indexes are built while jobs are submitted and worked off. A worker of the version
before takes whatever waits; a trigger refuses it what names a model.

Revision ID: 0027
Revises: 0026
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_OF_OWNER: list[Any] = ["owner_id", sa.text("(-priority)"), "queued_at", "id"]

_WAITING = ("jobs_waiting", _OF_OWNER, "status = 'queued'")
_WAITING_BY_MODEL = [
    ("jobs_waiting_for_any", _OF_OWNER, "status = 'queued' AND model IS NULL"),
    ("jobs_waiting_for_model", ["model", *_OF_OWNER], "status = 'queued' AND model IS NOT NULL"),
]

_IS_ANOTHERS = """EXISTS (
    SELECT 1 FROM jobs WHERE jobs.id = NEW.job_id AND jobs.model IS NOT NULL
    AND jobs.model IS {} NEW.model)"""
_REFUSAL = "the job names another model"


def upgrade() -> None:
    _add_columns()
    _replace_indexes([_WAITING], _WAITING_BY_MODEL)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"""
            CREATE FUNCTION attempts_check_model() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF {_IS_ANOTHERS.format("DISTINCT FROM")} THEN
                    RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
            END $$
        """)
        op.execute("""
            CREATE TRIGGER attempts_of_model BEFORE INSERT ON attempts
            FOR EACH ROW EXECUTE FUNCTION attempts_check_model()
        """)
    else:
        op.execute(f"""
            CREATE TRIGGER attempts_of_model BEFORE INSERT ON attempts
            WHEN {_IS_ANOTHERS.format("NOT")}
            BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END
        """)


def _add_columns() -> None:
    for table, column in (("workers", "model_name"), ("jobs", "model")):
        if op.get_bind().dialect.name == "postgresql":
            # They are committed before the indexes are built, which may be interrupted.
            op.execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} VARCHAR(255)")
        else:
            op.add_column(table, sa.Column(column, sa.String(255), nullable=True))


def _replace_indexes(old: list[Any], new: list[Any]) -> None:
    if op.get_bind().dialect.name != "postgresql":
        for name, _, _ in old:
            op.drop_index(name, table_name="jobs")
        for name, columns, where in new:
            op.create_index(name, "jobs", columns, sqlite_where=sa.text(where))
        return
    with op.get_context().autocommit_block():
        for name, columns, where in new:
            # One whose building was interrupted is there, and invalid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.create_index(
                name,
                "jobs",
                columns,
                postgresql_where=sa.text(where),
                postgresql_include=["priority"],
                postgresql_concurrently=True,
            )
        for name, _, _ in old:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        # Nothing is known of a new column, and of the indexes, until a tenth of the rows has
        # changed; a guess takes the wrong one, and reads the whole line for a page of the list.
        op.execute("ANALYZE jobs")


def downgrade() -> None:
    # First what may be interrupted: whatever else is done before it would be committed with it.
    _replace_indexes(_WAITING_BY_MODEL, [_WAITING])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER attempts_of_model ON attempts")
        op.execute("DROP FUNCTION attempts_check_model()")
    else:
        op.execute("DROP TRIGGER attempts_of_model")
    op.drop_column("jobs", "model")
    op.drop_column("workers", "model_name")
