"""A web server over a database of its own, for browsers; no worker and no Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import migrations
from tests.support.installation import as_wav
from tests.support.services import Stack, running
from worker.recogniser import SAMPLE_RATE


@contextmanager
def serving(folder: Path, **env: str) -> Iterator[Stack]:
    """gunicorn over a fresh SQLite database in `folder`; `env` are settings."""
    url = f"sqlite:///{folder / 'longscribe.db'}"
    migrations.upgrade(url)
    with running(Stack(folder / "stack", url, {"LONGSCRIBE_MIN_FREE_BYTES": "0", **env})) as stack:
        stack.start_web()
        yield stack


def silent_recording(folder: Path, name: str = "周会 standup.wav") -> Path:
    """A second of silence in a file."""
    path = folder / name
    path.write_bytes(as_wav(np.zeros(SAMPLE_RATE, np.int16)))
    return path
