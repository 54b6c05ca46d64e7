"""A command that fails says why in one line, without a traceback, and exits with 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from shared.errors import LongscribeError

GIVE_THE_RIGHT = (
    "Have an administrator of the server make the role of LONGSCRIBE_DATABASE_URL the owner of the "
    "database and of its tables (ALTER DATABASE ... OWNER TO ...), or name the role that is."
)
NAME_THE_PRIMARY = (
    "Name the primary in LONGSCRIBE_DATABASE_URL, and a role whose transactions may write "
    "(default_transaction_read_only)."
)

_REFUSED = {"42501": GIVE_THE_RIGHT, "3F000": GIVE_THE_RIGHT, "25006": NAME_THE_PRIMARY}
"""Advice by PostgreSQL's SQLSTATE: a role without the right to something or to every schema, and a
standby or a session that takes no writes."""


@contextmanager
def errors_in_words() -> Iterator[None]:
    try:
        yield
    except LongscribeError as error:
        _complain(error.message)
    except OSError as error:  # of a folder that is read-only, stale or another user's
        _complain(str(error))
    except Exception as error:
        told = _of_the_database(error)
        if told is None:
            raise
        _complain(told)


def _of_the_database(error: Exception) -> str | None:
    # Here, for a command that needs no database begins in half the time without these imports.
    from alembic.util import CommandError
    from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError

    if isinstance(error, CommandError):  # a revision that there is not, for instance
        return f"The database's schema does not fit this version: {error}"
    if not isinstance(error, DatabaseError):
        return None
    state = getattr(error.orig, "sqlstate", None)  # of PostgreSQL
    if state in _REFUSED:
        return f"The database refuses this: {_first_line(error.orig)}. {_REFUSED[state]}"
    if isinstance(error, OperationalError):
        return f"The database cannot be used: {error.orig}"
    if isinstance(error, ProgrammingError):
        return f"The database's schema is older than this version; migrate it: {error.orig}"
    if state is not None:
        return f"The database refuses this: {_first_line(error.orig)}"
    # SQLite: its file is damaged, or is something else.
    return (
        f"The database cannot be read: {error.orig}. Move it away and restore a backup, as "
        "docs/operations.md says, or name another with LONGSCRIBE_DATABASE_URL."
    )


def _first_line(error: BaseException | None) -> str:
    """What PostgreSQL says, without the statement that it quotes below."""
    return str(error).strip().partition("\n")[0]


def _complain(message: str) -> NoReturn:
    typer.secho(message, fg=typer.colors.RED, err=True)
    raise typer.Exit(2)
