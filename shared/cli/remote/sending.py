"""Sending a file so that a later command goes on where this one broke off."""

from __future__ import annotations

import os
from collections.abc import Callable
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
    notes = Notes(_cache() / "uploads.json")
    name = f"{address}|{file.resolve().parent}|{identity_of(file)}"
    upload_id = there.upload(
        file,
        begun=notes.get(name).get("upload"),
        note=lambda new: notes.put(name, upload=new),
        progress=progress,
    )
    try:
        return there.submit(upload_id, options)
    finally:
        notes.drop(name)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "longscribe"
