"""Options of all commands that send requests to a server: its address and the API key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from shared.errors import LongscribeError

LOCAL = "http://127.0.0.1:8000"

ServerAddress = Annotated[
    str, typer.Option("--server", envvar="LONGSCRIBE_SERVER", help="The server's address.")
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        help="A file with an API key, where LONGSCRIBE_API_KEY does not hold it. As an argument "
        "every user of this machine could read it."
    ),
]


class UnreadableKey(LongscribeError):
    code = "unreadable_key"


def read_key(file: Path | None) -> str | None:
    """The key in a file, else that of the environment, if there is one. Raises UnreadableKey."""
    if file is None:
        return os.environ.get("LONGSCRIBE_API_KEY") or None
    try:
        return file.read_text(encoding="utf-8-sig").split()[0]
    except (OSError, ValueError, IndexError):
        raise UnreadableKey(f"There is no API key in {file}.") from None
