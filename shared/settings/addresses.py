"""Addresses of the data folder, the SQL database and Redis, checked as far as their text goes.

Addresses may hold a password, so no message quotes them.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

_PASSWORDS = "write @ : / ? # and % in a password as %40 %3A %2F %3F %23 and %25"
_IN_MEMORY = ("", ":memory:")
_REDIS = ("redis://", "rediss://", "redis+socket:///")


def data_folder(value: Path) -> Path:
    """The folder, ~ being the home of this account: no shell looks at a .env file. Raises
    ValueError."""
    try:
        found = value.expanduser()
        str(found.absolute()).encode()
    except RuntimeError:
        raise ValueError("begins with ~, and this account has no home: write it whole") from None
    except UnicodeEncodeError:
        raise ValueError("must lie in folders whose names are in UTF-8") from None
    return found


def database_address(value: str) -> str:
    """The address as SQLAlchemy takes it; '' stays so. Raises ValueError."""
    # The short form that hosting platforms hand out means psycopg 2 to SQLAlchemy.
    for short in ("postgres://", "postgresql://"):
        if value.startswith(short):
            value = "postgresql+psycopg://" + value.removeprefix(short)
    if not value:
        return value
    if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("must start with sqlite:/// or postgresql://")
    # Here, for a command that needs no database begins in half the time without this import.
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError(f"cannot be read as an address; {_PASSWORDS}") from None
    if url.get_backend_name() == "sqlite" and (url.database or "") in _IN_MEMORY:
        raise ValueError("must name a file behind sqlite:///; what is in memory no process shares")
    return value


def redis_address(value: SecretStr) -> SecretStr:
    """The address as Celery takes it, several with semicolons between them; '' stays so. Raises
    ValueError."""
    for address in filter(None, value.get_secret_value().split(";")):
        _require_redis(address)
    return value


def _require_redis(value: str) -> None:
    if not value.startswith(_REDIS):
        raise ValueError("must start with redis://, rediss:// or redis+socket:///")
    if value.startswith("redis+socket"):
        return
    try:
        parts = urlsplit(value)
        valid = parts.port != 0 and re.fullmatch("/?[0-9]*", parts.path) and not parts.fragment
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(f"must be like redis://:password@host:6379/0; {_PASSWORDS}")
