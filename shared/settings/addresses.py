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
_REDIS = ("redis://", "rediss://", "redis+socket://")


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


def listening_host(value: str) -> str:
    """The address or name to listen on, without the brackets of an address in a URL. Raises
    ValueError."""
    host = value[1:-1] if value.startswith("[") and value.endswith("]") else value
    if not re.fullmatch(r"[\w.-]*|[0-9A-Fa-f:.]+(%[\w.-]+)?", host):
        raise ValueError("must be an address or a name, without a scheme, a port or a path")
    return host


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
    # One of the password: every complaint would quote what is behind it as the host.
    if url.get_backend_name() != "sqlite" and value.count("@") > 1:
        raise ValueError(f"cannot be read as an address; {_PASSWORDS}")
    if url.get_backend_name() == "sqlite" and (url.database or "") in _IN_MEMORY:
        raise ValueError("must name a file behind sqlite:///; what is in memory no process shares")
    return value


def redis_address(value: SecretStr) -> SecretStr:
    """The address as Celery takes it, several with semicolons between them; '' stays so. Raises
    ValueError."""
    addresses = list(filter(None, value.get_secret_value().split(";")))
    for address in addresses:
        _require_redis(address)
    return SecretStr(";".join(map(_checking_certificates, addresses)))


def _checking_certificates(value: str) -> str:
    """The address; one of TLS that says nothing else has the server's certificate checked. Kombu
    would take any, and so send the password to whoever stands in between."""
    if not value.startswith("rediss://") or "ssl_cert_reqs=" in value:
        return value
    return f"{value}{'&' if '?' in value else '?'}ssl_cert_reqs=required"


def _require_redis(value: str) -> None:
    if not value.startswith(_REDIS):
        raise ValueError("must start with redis://, rediss:// or redis+socket://")
    if value.startswith("redis+socket"):
        if not re.match(r"redis\+socket://([^/]*@)?/.", value):
            raise ValueError("must name a file: redis+socket:///run/redis/redis.sock")
        return
    try:
        parts = urlsplit(value)
        valid = parts.port != 0 and re.fullmatch("/?[0-9]*", parts.path) and not parts.fragment
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(f"must be like redis://:password@host:6379/0; {_PASSWORDS}")
