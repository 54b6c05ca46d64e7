"""An index of what is searched; workers fill it with what there is while searches go on.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# What is written in tables that versions before know makes an entry, or puts it behind, whichever
# version writes it.
_WRITES = {
    "search_entries_made": (
        "INSERT ON jobs",
        "INSERT INTO search_entries (job_id) VALUES (NEW.id)",
    ),
    "search_entries_owner": ("UPDATE OF owner_id ON jobs", "job_id = NEW.id"),
    "search_entries_name": (
        "UPDATE OF filename, folded_name ON recordings",
        "job_id IN (SELECT id FROM jobs WHERE recording_id = NEW.id)",
    ),
    "search_entries_text": ("INSERT ON search_texts", "job_id = NEW.job_id"),
    "search_entries_correction": ("UPDATE OF folded ON search_texts", "job_id = NEW.job_id"),
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        # Each statement by itself, so that jobs go on being submitted and worked off meanwhile:
        # none holds what a transaction of theirs waits for. Each can be done again, for one that
        # was broken off is.
        with op.get_context().autocommit_block():
            _upgrade_postgresql()
        return
    _create_entries()
    op.execute("INSERT INTO search_entries (job_id) SELECT id FROM jobs ORDER BY id")
    op.execute(
        "CREATE VIRTUAL TABLE search_index USING fts5"
        "(grams, content='', detail=none, columnsize=0, tokenize='ascii')"
    )
    for name, (write, does) in _WRITES.items():
        op.execute(f"CREATE TRIGGER {name} AFTER {write} BEGIN {_done(does)}; END")


def _create_entries() -> None:
    op.create_table(
        "search_entries",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("indexed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("job_id"),
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    op.create_index(
        "search_entries_behind",
        "search_entries",
        ["number"],
        unique=False,
        sqlite_where=sa.text("NOT indexed"),
        postgresql_where=sa.text("NOT indexed"),
        if_not_exists=True,
    )


def _upgrade_postgresql() -> None:
    _create_entries()
    op.execute(
        "CREATE TABLE IF NOT EXISTS search_index (number BIGINT PRIMARY KEY "
        "REFERENCES search_entries ON DELETE CASCADE, keys INTEGER[] NOT NULL) "
        # The keys beside the table, which stays small: only the index reads them, once.
        "WITH (toast_tuple_target = 128)"
    )
    op.execute("ALTER TABLE search_index ALTER COLUMN keys SET STORAGE EXTERNAL")
    # To sample a million arrays takes minutes, and there is one plan anyway.
    op.execute("ALTER TABLE search_index ALTER COLUMN keys SET STATISTICS 0")
    # A list of what is not in the index yet would be read by every search.
    op.execute(
        "CREATE INDEX IF NOT EXISTS search_index_keys ON search_index USING gin (keys) "
        "WITH (fastupdate = off)"
    )
    for name, (write, does) in _WRITES.items():
        op.execute(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {_done(does)}; RETURN NULL; END $$"
        )
        op.execute(f"DROP TRIGGER IF EXISTS {name} ON {write.split()[-1]}")
        op.execute(f"CREATE TRIGGER {name} AFTER {write} FOR EACH ROW EXECUTE FUNCTION {name}()")
    # The triggers make the entry of a job that comes now; one that is deleted now is waited for.
    op.execute(
        "INSERT INTO search_entries (job_id) SELECT id FROM jobs ORDER BY id FOR KEY SHARE "
        "ON CONFLICT (job_id) DO NOTHING"
    )


def _done(does: str) -> str:
    """The statement of a trigger."""
    if does.startswith("INSERT"):
        return does
    return f"UPDATE search_entries SET indexed = false WHERE {does}"


def downgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for name, (write, _) in _WRITES.items():
        if on_postgresql:
            op.execute(f"DROP TRIGGER {name} ON {write.split()[-1]}")
            op.execute(f"DROP FUNCTION {name}")
        else:
            op.execute(f"DROP TRIGGER {name}")
    op.execute("DROP TABLE search_index")
    op.drop_table("search_entries")
