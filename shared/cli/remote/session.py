"""The server that a command asks, and how what it comes to ends the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from longscribe_client.connection import Connection
from shared.cli.error_exit import errors_in_words
from shared.cli.remote.outcome import ends_in_words
from shared.cli.remote.progress import once_each
from shared.cli.remote.readable import readable
from shared.cli.remote.server_options import read_key


@contextmanager
def connected(address: str, key_file: Path | None) -> Iterator[Connection]:
    """The server at an address. What it refuses ends the command, in words."""
    with errors_in_words(), ends_in_words():
        there = Connection(address, read_key(key_file), waits=once_each(_tell_of_waiting))
        try:
            yield there
        finally:
            there.close()


def _tell_of_waiting(why: str) -> None:
    typer.echo(readable(f"longscribe: {why}, trying again"), err=True)
