"""`longscribe watch`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from longscribe_client.errors import AuthenticationFailed, ClientError, NotAllowed
from shared.cli.remote.outcome import CommandFailed, ends_in_words, say
from shared.cli.remote.readable import readable
from shared.cli.remote.server_options import (
    LOCAL,
    Formats,
    Json,
    KeyFile,
    Model,
    Numbers,
    ServerAddress,
    Speakers,
    options_of,
)
from shared.cli.remote.session import connected
from shared.cli.remote.transcripts import formats_in
from shared.cli.remote.watch import FileEvent, FolderWatch

_LONGEST_S = 24 * 3600
"""A day; of seconds without end no clock knows."""


def watch(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    format_: Formats = "txt",
    model: Model = "",
    speakers: Speakers = "",
    numbers: Numbers = "",
    every: Annotated[
        float, typer.Option(min=0.1, max=_LONGEST_S, help="Seconds between two looks.")
    ] = 5,
    settled: Annotated[
        float,
        typer.Option(min=0, max=_LONGEST_S, help="Seconds for which a file must not change."),
    ] = 10,
    once: Annotated[bool, typer.Option("--once", help="End when nothing is left.")] = False,
    server: ServerAddress = LOCAL,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Transcribe what comes into a folder, and move it to done/ or failed/ with its transcript."""

    def tell_of(event: FileEvent) -> None:
        told = {"event": event.what, "file": str(event.file), "id": event.job_id}
        if event.message:
            told["message"] = event.message
        line = f"{event.what}  {event.file}  {event.message or event.job_id or ''}".rstrip()
        with ends_in_words():  # before the watch takes a closed pipe for a file's problem
            say(json.dumps(told, ensure_ascii=False) if as_json else line)

    with connected(server, key_file) as there:
        watching = FolderWatch(
            folder,
            there,
            formats=formats_in(format_),
            options=options_of(model, speakers, numbers),
            settled_s=settled,
            tell=tell_of,
        )
        with watching.alone():
            watching.look()
            while not (once and watching.is_idle):
                time.sleep(every)
                _look_again(watching, once)
        if watching.has_postponed:
            raise CommandFailed(f"Files are left in {readable(str(folder))} that were postponed.")


def _look_again(watching: FolderWatch, once: bool) -> None:
    """Look at the folder again. The first look succeeded, so the server, the key and the folder are
    the right ones: whatever is unavailable now is waited for, unless `once`."""
    try:
        watching.look()
    except (AuthenticationFailed, NotAllowed):  # the key was revoked
        raise
    except (ClientError, OSError) as error:
        if once:
            raise
        typer.echo(readable(f"longscribe: {error}, looking again"), err=True)
