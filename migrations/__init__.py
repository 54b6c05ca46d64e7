"""The database's schema, as Alembic revisions that go up and down on SQLite and PostgreSQL.

There is no alembic.ini: the address comes from the settings, so there is one way to say it.
To write a revision: `longscribe migrate --autogenerate "what changes"`.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from shared.db import Database
from shared.errors import LongscribeError
from shared.models import SchemaVersion

_VERSION = metadata.version("longscribe")

_LOOK_AGAIN_S = 1.0


class NewerSchema(LongscribeError):
    """The database was migrated by a newer version of Longscribe than this."""

    code = "newer_schema"
    default_message = "A newer version of Longscribe was here. Start that one: docs/upgrades.md."


class NoRevisionBefore(LongscribeError):
    """The schema cannot go back to what was named; the message says why."""

    code = "no_revision_before"


class UnsuitableDatabase(LongscribeError):
    """The database cannot hold the texts; the message says what to do."""

    code = "unsuitable_database"


def _config(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring the schema up. Does nothing when it is there already. Raises NewerSchema, and
    UnsuitableDatabase for one whose encoding is not Unicode's."""
    _require_known(database_url)
    _require_unicode(database_url)
    command.upgrade(_config(database_url), revision)
    _note_version(database_url)


def downgrade(database_url: str, revision: str) -> None:
    """Take the schema back to `revision`; 'base' removes every table. Raises NewerSchema."""
    _require_known(database_url)
    command.downgrade(_config(database_url), revision)


def go_back(database_url: str, revision: str) -> None:
    """Take the schema back to a revision that is named in full, as an older version names its own.

    Whatever else Alembic understands (`base`, nothing at all, steps) may remove every table, with
    all that is in it. Raises NoRevisionBefore, and NewerSchema.
    """
    _require_known(database_url)
    db = Database(database_url)
    try:
        current = state(db).current
    finally:
        db.dispose()
    revisions = [script.revision for script in reversed(list(_scripts().walk_revisions()))]
    if revision not in revisions:
        raise NoRevisionBefore(
            f"There is no revision {revision or 'without a name'}; there are {revisions[0]} to "
            f"{revisions[-1]}. The older version says which one it knows when it is started. "
            "Nothing was changed."
        )
    if current is None or revisions.index(revision) > revisions.index(current):
        raise NoRevisionBefore(
            f"The schema is at {current or 'no revision'}, which is before {revision}. "
            "Nothing was changed."
        )
    downgrade(database_url, revision)


def _require_known(database_url: str) -> None:
    db = Database(database_url)
    try:
        found = state(db)
    finally:
        db.dispose()
    if found.current is not None and not found.is_known:
        raise NewerSchema(
            f"The database's schema is at {found.current}, {found.belongs_to}; this is Longscribe "
            f"{_VERSION}, which knows it up to {found.head}. {found.advice}"
        )


def encoding(connection: Connection) -> str:
    """The encoding in which the database keeps its texts."""
    asked = (
        "PRAGMA encoding"
        if connection.dialect.name == "sqlite"
        else "SELECT current_setting('server_encoding')"
    )
    return str(connection.scalar(text(asked)))


MAKE_ONE_IN_UNICODE = (
    "Make a database that holds every script, CREATE DATABASE ... TEMPLATE template0 ENCODING "
    "'UTF8', and name it in LONGSCRIBE_DATABASE_URL."
)


def _require_unicode(database_url: str) -> None:
    db = Database(database_url)
    try:
        with db.engine.connect() as connection:
            found = encoding(connection)
    finally:
        db.dispose()
    if not found.startswith("UTF"):
        raise UnsuitableDatabase(f"The database's encoding is {found}. {MAKE_ONE_IN_UNICODE}")


def _note_version(database_url: str) -> None:
    """Leave for older versions which version the schema belongs to."""
    db = Database(database_url)
    try:
        found = state(db)
        if found.current == found.head and found.current is not None and not found.version:
            with db.writing() as session:
                session.merge(SchemaVersion(revision=found.current, version=_VERSION))
    finally:
        db.dispose()


def autogenerate(database_url: str, message: str) -> None:
    """Write a revision from what the models say and the database does not."""
    command.revision(_config(database_url), message=message, autogenerate=True)


def is_described(name: str | None, kind: str, parents: object) -> bool:
    """Return whether the models describe a table of the database, and what belongs to it. They do
    not describe the search index, which is of another kind on either database and brings tables of
    its own."""
    return kind != "table" or not (name or "").startswith("search_index")


@dataclass(frozen=True, slots=True)
class SchemaState:
    """A database's revision (None without a schema) beside the one that this version needs."""

    current: str | None
    head: str | None
    is_known: bool
    """True if `current` is one of this version's; False for one of a newer version."""
    version: str | None = None
    """The version of Longscribe that `current` belongs to, where it was left in the database."""

    @property
    def belongs_to(self) -> str:
        return f"of Longscribe {self.version}" if self.version else "of a newer Longscribe"

    @property
    def advice(self) -> str:
        """Advice where `current` is not known."""
        version = f"Longscribe {self.version}" if self.version else "the version that was here last"
        return (
            f"Start {version} or a newer one; or have that version take the schema back first "
            f"(longscribe migrate --back-to {self.head}), or restore the backup of before the "
            "upgrade: docs/upgrades.md."
        )


def state(db: Database) -> SchemaState:
    """Read the revision of the database and that of this version. Raises SQLAlchemyError when the
    database cannot be read."""
    scripts = _scripts()
    with db.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        version = _version_of(connection, current)
    known = {script.revision for script in scripts.walk_revisions()}
    return SchemaState(
        current, scripts.get_current_head(), is_known=current in known, version=version
    )


@cache
def _scripts() -> ScriptDirectory:
    """The revisions of this version, which take 30 ms to read."""
    return ScriptDirectory(str(Path(__file__).parent))


def _version_of(connection: Connection, revision: str | None) -> str | None:
    if not inspect(connection).has_table(SchemaVersion.__tablename__):
        return None
    table = SchemaVersion.__table__
    version: str | None = connection.scalar(
        select(table.c.version).where(table.c.revision == revision)
    )
    return version


def is_current(db: Database) -> bool:
    """Return whether the database has exactly the schema of this version."""
    found = state(db)
    return found.current == found.head


def wait_until_current(database_url: str) -> None:
    """Return once another process has brought the schema up, however long that takes; a database
    that does not answer is waited for too. Raises NewerSchema at once."""
    while True:
        with suppress(SQLAlchemyError):
            _require_known(database_url)
            db = Database(database_url)
            try:
                if is_current(db):
                    return
            finally:
                db.dispose()
        time.sleep(_LOOK_AGAIN_S)
