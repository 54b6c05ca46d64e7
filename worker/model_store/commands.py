"""`longscribe models`: which models run, getting them, and whether the configured are whole."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from shared.errors import LongscribeError
from shared.interrupts import INTERRUPTED
from shared.settings import Settings, load_settings
from worker.model_store.carry import carried, role_of
from worker.model_store.download import megabytes
from worker.model_store.hubs import open_hub
from worker.model_store.interrupts import prompt_interrupts
from worker.model_store.known import KNOWN_MODELS, ROLES, KnownModel, Role, find_known, resolve
from worker.model_store.locate import ModelFolder, fetched, own_folder
from worker.model_store.part_status import status_of
from worker.model_store.parts import (
    Part,
    configured_parts,
    configured_speaker_part,
    folder_punctuates,
)
from worker.model_store.progress import shown_progress

app = typer.Typer(
    name="longscribe models",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="List, download and check speech models.",
)

FINE = 0
PROBLEM = 1
FAILED = 2

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@contextmanager
def _errors_in_words() -> Iterator[None]:
    try:
        yield
    except LongscribeError as error:
        _complain(error.message, FAILED)
    except KeyboardInterrupt:
        _complain("Stopped. What has come stays; the same command goes on.", INTERRUPTED)


def _complain(message: str, status: int) -> NoReturn:
    typer.secho(message, fg=typer.colors.RED, err=True)
    raise typer.Exit(status)


@app.command("list")
def list_models(as_json: _Json = False) -> None:
    """Show the models that run here, their sizes and names, and where they lie on this machine."""
    with _errors_in_words():
        settings = load_settings()
        rows = [_row(model, settings) for model in KNOWN_MODELS]
        hub = open_hub(settings.model_hub)
        if as_json:
            typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
            return
        for row in rows:
            mark = "*" if row["in_use"] else " "
            typer.echo(f"{mark} {row['alias']:<17}{megabytes(row['size_bytes']):>8}  {row['what']}")
            typer.echo(f"    ModelScope    {row['modelscope']}  {row['revision']}")
            typer.echo(f"    Hugging Face  {row['huggingface'] or '-'}")
            typer.echo(f"    {row['path'] or 'not on this machine'}\n")
        typer.echo(
            f"* the settings name it. Models come from {hub.title} (LONGSCRIBE_MODEL_HUB) into "
            f"{hub.cache_folder()}."
        )


def _row(model: KnownModel, settings: Settings) -> dict[str, Any]:
    names = {part.name for part in _configured(settings)}
    here = None
    if settings.model_hub == "modelscope" or model.huggingface is not None:
        revision = _revision(model.role, model.alias, settings)
        there = resolve(model.alias, model.role, settings.model_hub, revision)
        here = open_hub(settings.model_hub).cached(there)
    return {
        "alias": model.alias,
        "what": model.description,
        "role": model.role,
        "size_bytes": model.size_bytes,
        "modelscope": model.modelscope,
        "revision": model.revision,
        "huggingface": model.huggingface,
        "path": None if here is None else str(here),
        "in_use": not names.isdisjoint(model.names),
    }


@app.command("download")
def download_models(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...",
            help="Names of the list, or a hub's owner/name. [default: those of the settings]",
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Put them into a folder to carry to a machine without a network.",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Fetch files again that are on this machine.")
    ] = False,
) -> None:
    """Get models from the hub; a download that was broken off goes on where it stopped."""
    with _errors_in_words():
        settings = load_settings()
        for part in _asked_for(names or [], settings):
            folder = _brought(part, settings, again=again)
            place = folder.path if to is None else carried(folder.path, to / role_of(folder.path))
            typer.echo(f"{folder.name}  {folder.revision}  in {place}")
        if to is not None:
            _tell_how_to_carry(to)


def _brought(part: Part, settings: Settings, *, again: bool) -> ModelFolder:
    """The whole folder of a part, from this disk or the hub, or from the hub `again`.

    Raises ModelUnavailable.
    """
    if part.folder is not None:
        return own_folder(part.name, part.folder, settings)
    with shown_progress(sys.stdout) as meter, prompt_interrupts():
        return fetched(part.name, part.role, part.revision, settings, meter, again=again)


def _asked_for(names: list[str], settings: Settings) -> list[Part]:
    if not names:
        return _configured(settings)
    roles: dict[str, Role] = {
        name: known.role if (known := find_known(name)) else "asr" for name in names
    }
    return [Part(role, name, _revision(role, name, settings)) for name, role in roles.items()]


def _revision(role: Role, name: str, settings: Settings) -> str:
    """The revision of the settings for what they name, the pinned one for another model."""
    for part in _configured(settings):
        if part.role == role and (part.name == name or find_known(part.name) is find_known(name)):
            return part.revision
    known = find_known(name)
    return known.revision if known else settings.model_revision


def _configured(settings: Settings) -> list[Part]:
    """Parts that the settings name, as far as they are needed: punctuation is not beside a
    recogniser that marks its words itself."""
    parts = [part for part in configured_parts(settings) if part is not None]
    recogniser = status_of(parts[0], settings).path
    if recogniser is not None and folder_punctuates(recogniser):
        parts = [part for part in parts if part.role != "punc"]
    return [*parts, configured_speaker_part(settings)]


def _tell_how_to_carry(to: Path) -> None:
    missing = [role for role in ROLES if not (to / role).is_dir()]
    if folder_punctuates(to / "asr") and "punc" in missing:
        missing.remove("punc")
    if missing:
        typer.echo(
            f"{to} still lacks {' and '.join(missing)}: download those --to the same folder."
        )
        return
    typer.echo(f"Carry {to} to the other machine, and set LONGSCRIBE_MODEL to where it lies there.")


@app.command("check")
def check_models(as_json: _Json = False) -> None:
    """Read the models of the settings to their end and say whether they are whole.

    The exit status is 0 if all are, 1 if not. The one that tells voices apart may still be missing.
    `longscribe doctor` loads them as well.
    """
    with _errors_in_words():
        settings = load_settings()
        parts = [status_of(part, settings) for part in _configured(settings)]
        if as_json:
            typer.echo(json.dumps([part.as_json() for part in parts], indent=2))
        else:
            for part in parts:
                typer.echo("\n".join(part.as_lines()))
    raise typer.Exit(FINE if all(part.is_fine for part in parts) else PROBLEM)


def main() -> None:
    """Run the command line."""
    app()
