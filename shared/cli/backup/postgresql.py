"""pg_dump and pg_restore, told of the database by the environment: arguments are everybody's to
read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from sqlalchemy.engine import URL

from shared import postgresql
from shared.cli.backup.contents import BackupFailed


def dump(database_url: str, path: str) -> None:
    """Write the database into one file. Raises BackupFailed."""
    url, _ = postgresql.address(database_url)
    _run(["pg_dump", "--format=custom", "--no-password", f"--file={path}"], url)


def restore(database_url: str, path: str) -> None:
    """Fill an empty database, entirely or not at all. Raises BackupFailed."""
    url, _ = postgresql.address(database_url)
    options = ("--no-owner", "--no-privileges", "--no-password", "--single-transaction")
    # Without a name it writes a script. An empty one means that of the environment, and is not
    # taken apart as one with = in it would be.
    _run(["pg_restore", *options, "--dbname=", path], url)


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
    """The parts of an address, and all options behind its question mark, under the names that
    PostgreSQL's programs read."""
    # Here, for a backup of SQLite needs no driver.
    from psycopg.pq import Conninfo

    names = {told.keyword.decode(): told.envvar for told in Conninfo.get_defaults()}
    _, options = url.get_dialect()().create_connect_args(url)
    found = {names.get(option): str(value) for option, value in options.items()}
    return {name.decode(): value for name, value in found.items() if name}
