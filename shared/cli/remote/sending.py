"""Sending a file so that a later command goes on where this one broke off."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from longscribe_client.connection import Connection
from shared.cli.remote.notes import Notes, identity_of


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
        return there.submit(upload_id, options)
    finally:
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
