"""pg_dump and pg_restore, told of the database by the environment: arguments are everybody's to
read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from sqlalchemy.engine import URL, make_url

from shared.cli.backup.contents import BackupFailed


def dump(database_url: str, path: str) -> None:
    """Write the database into one file. Raises BackupFailed."""
    _run(["pg_dump", "--format=custom", "--no-password", f"--file={path}"], make_url(database_url))


def restore(database_url: str, path: str) -> None:
    """Fill an empty database, entirely or not at all. Raises BackupFailed."""
    url = make_url(database_url)
    options = ("--no-owner", "--no-privileges", "--no-password", "--single-transaction")
    _run(["pg_restore", *options, f"--dbname={url.database}", path], url)


def _run(command: Sequence[str], url: URL) -> None:
    program = command[0]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **_environment(url)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise BackupFailed(
            f"{program} is not installed here. It comes with PostgreSQL's client (Debian: "
            "apt-get install postgresql-client), no older than the server."
        ) from None
    if done.returncode != 0:
        raise BackupFailed(f"{program} failed: {done.stderr.strip() or done.returncode}")


def _environment(url: URL) -> dict[str, str]:
    """The parts of an address under the names that the PostgreSQL programs read."""
    parts = {
        "PGHOST": url.host,
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    for name in ("host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey"):
        value = url.query.get(name)
        if isinstance(value, str):
            parts[f"PG{name.upper()}"] = value
    return {name: str(value) for name, value in parts.items() if value is not None}
