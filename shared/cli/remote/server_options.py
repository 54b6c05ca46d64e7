"""Options of the commands that ask a server: its address, the API key, and what several of them
take."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

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

Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
Formats = Annotated[
    str, typer.Option("--format", "-f", help="Formats of transcripts, with commas: srt,docx.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the jobs are at their end.")]
Timeout = Annotated[float, typer.Option(min=0, help="Wait so many seconds at most; 0: any.")]
Model = Annotated[str, typer.Option(help="The model that is to recognise it.")]
Speakers = Annotated[str, typer.Option(help="Tell speakers apart: auto, 3, 2-5.")]
Numbers = Annotated[str, typer.Option(help="'written' writes numbers in digits.")]


class UnreadableKey(LongscribeError):
    code = "unreadable_key"


def options_of(model: str, speakers: str, numbers: str) -> dict[str, Any]:
    """The fields of a submission that were chosen."""
    given = {"model": model, "speakers": speakers, "numbers": numbers}
    return {name: value for name, value in given.items() if value}


def read_key(file: Path | None) -> str | None:
    """The key in a file, else that of the environment, if there is one. Raises UnreadableKey."""
    if file is None:
        return os.environ.get("LONGSCRIBE_API_KEY") or None
    try:
        return file.read_text(encoding="utf-8-sig").split()[0]
    except (OSError, ValueError, IndexError):
        raise UnreadableKey(f"There is no API key in {file}.") from None
