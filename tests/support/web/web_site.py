"""A web server over a database of its own, for browsers; no worker and no Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from shared.db import Database
from shared.storage.identity import adopt_storage
from shared.storage.local.folder import LocalFolder
from tests.support.databases.sqlite import migrated_file
from tests.support.stack import Stack, running
from tests.support.stack_without_http import as_wav
from worker.recogniser import SAMPLE_RATE


@contextmanager
def serving(folder: Path, **env: str) -> Iterator[Stack]:
    """gunicorn over a fresh SQLite database in `folder`; `env` are settings."""
    url = migrated_file(folder / "longscribe.db")
    with running(Stack(folder / "stack", url, {"LONGSCRIBE_MIN_FREE_BYTES": "0", **env})) as stack:
        _take_storage_into_use(stack)
        stack.start_web()
        yield stack


def _take_storage_into_use(stack: Stack) -> None:
    """Adopt the storage as the first recording does; recordings that tests write only into the
    database do not."""
    db = Database(stack.database_url)
    adopt_storage(db, LocalFolder(stack.folder / "data" / "recordings", min_free_bytes=0))
    db.dispose()


def silent_recording(folder: Path, name: str = "周会 standup.wav") -> Path:
    """A second of silence in a file."""
    path = folder / name
    path.write_bytes(as_wav(np.zeros(SAMPLE_RATE, np.int16)))
    return path


def incoming_bytes(stack: Stack, upload_id: str) -> int:
    """The bytes of an unfinished upload that are in its file."""
    found = (stack.folder / "data" / "recordings").rglob(f"*{upload_id}*")
    return sum(path.stat().st_size for path in found if path.is_file())
