"""A file on its way to the server: what it was when it was begun, and the rest of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

_PIECE_BYTES = 256 * 1024


def state_of(path: Path) -> tuple[int, int]:
    """A file's length and time of change."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def rest_of(path: Path, offset: int, size: int, progress: Callable[[int], None]) -> Iterator[bytes]:
    """The bytes from `offset` to `size`, where a file ends that was as long when it was begun."""
    with path.open("rb") as file:
        file.seek(offset, os.SEEK_SET)
        while piece := file.read(min(_PIECE_BYTES, size - offset)):
            yield piece
            offset += len(piece)
            progress(offset)
