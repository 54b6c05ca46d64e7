"""A command that fails says why in one line, without a traceback, and exits with 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer
from alembic.util import CommandError
from sqlalchemy.exc import OperationalError, ProgrammingError

from shared.errors import LongscribeError


@contextmanager
def errors_in_words() -> Iterator[None]:
    try:
        yield
    except LongscribeError as error:
        _complain(error.message)
    except OperationalError as error:
        _complain(f"The database cannot be used: {error.orig}")
    except ProgrammingError as error:
        _complain(f"The database's schema is older than this version; migrate it: {error.orig}")
    except OSError as error:  # of a folder that is read-only, stale or another user's
        _complain(str(error))
    except CommandError as error:  # a revision that there is not, for instance
        _complain(f"The database's schema does not fit this version: {error}")


def _complain(message: str) -> NoReturn:
    typer.secho(message, fg=typer.colors.RED, err=True)
    raise typer.Exit(2)
