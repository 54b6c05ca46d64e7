"""`longscribe user export` and `longscribe user erase`: all that an account has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from shared import accounts, audit, owner_data
from shared.accounts.errors import WrongName
from shared.cli.configuration import configured
from shared.cli.error_exit import errors_in_words
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.owner_data import ExportContents
from shared.storage.blob_store import BlobStore
from shared.storage.configured import open_blob_store
from shared.storage.errors import StorageUnavailable
from shared.storage.identity import StorageState, look_at_storage

_ERASES_S = 3600.0


@contextmanager
def _installation() -> Iterator[tuple[Database, BlobStore]]:
    audit.let_act(audit.COMMAND)
    with errors_in_words():
        settings = configured()
        db = Database(settings.resolved_database_url)
        try:
            yield db, open_blob_store(settings)
        finally:
            db.dispose()


def export_user(
    name: Annotated[str, typer.Argument(help="An account, or 'local'.")],
    file: Annotated[Path, typer.Option("--output", "-o", help="The zip file to write.")],
    formats: Annotated[
        str, typer.Option("--formats", help="Of transcripts, with commas between them.")
    ] = "json,txt",
    recordings: Annotated[
        bool, typer.Option("--recordings", help="With the sound, as it was submitted.")
    ] = False,
) -> None:
    """Write all that an account has into a zip file."""
    wanted = ExportContents(tuple(filter(None, formats.split(","))), recordings)
    with _installation() as (db, blobs):
        owner_id = LOCAL_OWNER if name == LOCAL_OWNER else accounts.person_named(db, name).id
        pieces = owner_data.export_of(db, blobs, owner_id=owner_id, wanted=wanted)
        partial = file.with_name(f"{file.name}.partial")
        with partial.open("wb") as written:
            for piece in pieces:
                written.write(piece)
        partial.replace(file)
    typer.echo(f"All that {name} has is in {file}.")


def erase_user(
    name: str,
    confirm: Annotated[
        str, typer.Option("--confirm", help="The name again, in place of typing it when asked.")
    ] = "",
) -> None:
    """Erase an account with all that is its, for good. What runs is cancelled first."""
    with _installation() as (db, blobs):
        person = accounts.person_named(db, name)
        typed = confirm or typer.prompt(f"Type the name of the account to erase ({person.name})")
        if typed.strip() != person.name:
            raise WrongName
        # Of a disk that is not mounted the rows would go, and the files stay.
        if look_at_storage(db, blobs) not in (StorageState.SOUND, StorageState.NEW):
            raise StorageUnavailable
        owner_data.ask(db, person.id)
        left = owner_data.go_on(db, blobs, person.id, within_s=_ERASES_S)
    if left.nothing:
        typer.echo(f"All that {person.name} had is erased; its number goes within a minute.")
    else:
        typer.echo(
            f"{person.name} is being erased. A worker goes on with {left.jobs} jobs, of which "
            f"{left.running} run just now."
        )
