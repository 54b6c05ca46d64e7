"""Sending a file so that a later command goes on where this one broke off."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from longscribe_client.connection import Connection
from longscribe_client.errors import NotFound
from shared.cli.remote.notes import Notes, identity_of
from shared.cli.remote.outcome import CommandFailed
from shared.cli.remote.readable import readable


def require_files(names: list[str]) -> None:
    """Check that all names are readable files. Raises CommandFailed."""
    for name in names:
        if not Path(name).is_file() or not os.access(name, os.R_OK):
            raise CommandFailed(f"There is no file '{readable(name)}' that can be read.")


def send(
    there: Connection,
    address: str,
    file: Path,
    options: dict[str, Any],
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Upload a file, or the rest of it, and submit it; the job. `progress` is told the bytes that
    are there."""
    notes = _notes()
    name = f"{address}|{file.resolve().parent}|{identity_of(file)}"

    def note(upload_id: str) -> None:
        with suppress(OSError):  # of a home that is read-only or full: then nothing goes on later
            if notes is not None:
                notes.put(name, upload=upload_id)

    upload_id = there.upload(
        file,
        begun=None if notes is None else notes.get(name).get("upload"),
        note=note,
        progress=progress,
    )
    try:
        job = there.submit(upload_id, options)
    except NotFound:  # its job was made and deleted: it makes none any more
        _forget(notes, name)
        raise
    _forget(notes, name)
    return job


def _forget(notes: Notes | None, name: str) -> None:
    with suppress(OSError):
        if notes is not None:
            notes.drop(name)


def _notes() -> Notes | None:
    """Notes about uploads; None for an account without a home, or with one that is closed to it, as
    a container's may be."""
    try:
        return Notes(_cache() / "uploads.json")
    except (OSError, RuntimeError):
        return None


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "longscribe"
