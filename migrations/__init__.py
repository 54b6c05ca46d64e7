"""The database's schema, as Alembic revisions that go up and down on SQLite and PostgreSQL.

There is no alembic.ini: the address comes from the settings, so there is one way to say it.
To write a revision: `longscribe migrate --autogenerate "what changes"`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from shared.db import Database


def _config(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the schema up. Does nothing when it is there already."""
    command.upgrade(_config(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    """Take the schema back to `revision`; 'base' removes every table."""
    command.downgrade(_config(database_url), revision)


def autogenerate(database_url: str, message: str) -> None:
    """Write a revision from what the models say and the database does not."""
    command.revision(_config(database_url), message=message, autogenerate=True)


def is_described(name: str | None, kind: str, parents: object) -> bool:
    """Whether the models describe a table of the database, and what belongs to it. They do not the
    search index, which is of another kind on either database and brings tables of its own."""
    return kind != "table" or not (name or "").startswith("search_index")


@dataclass(frozen=True, slots=True)
class SchemaState:
    """A database's revision (None without a schema) beside the one that this version needs."""

    current: str | None
    head: str | None
    is_known: bool
    """Whether `current` is one of this version's, and not of a newer one."""


def state(db: Database) -> SchemaState:
    """Raises SQLAlchemyError when the database cannot be read."""
    scripts = ScriptDirectory(str(Path(__file__).parent))
    with db.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    return SchemaState(current, scripts.get_current_head(), is_known=current in known)


def is_current(db: Database) -> bool:
    """Whether the database has exactly the schema of this version."""
    found = state(db)
    return found.current == found.head
