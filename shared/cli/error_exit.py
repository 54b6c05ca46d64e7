"""A command that fails says why in one line, without a traceback, and exits with 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from shared.errors import LongscribeError


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

    if isinstance(error, OperationalError):
        return f"The database cannot be used: {error.orig}"
    if isinstance(error, ProgrammingError):
        return f"The database's schema is older than this version; migrate it: {error.orig}"
    if isinstance(error, DatabaseError):  # SQLite: its file is damaged, or is something else
        return (
            f"The database cannot be read: {error.orig}. Move it away and restore a backup, as "
            "docs/operations.md says, or name another with LONGSCRIBE_DATABASE_URL."
        )
    if isinstance(error, CommandError):  # a revision that there is not, for instance
        return f"The database's schema does not fit this version: {error}"
    return None


def _complain(message: str) -> NoReturn:
    typer.secho(message, fg=typer.colors.RED, err=True)
    raise typer.Exit(2)
