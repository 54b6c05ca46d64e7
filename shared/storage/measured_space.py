"""Free space, asked of two places: the storage of the recordings, and the work folder.

Submissions need room in the storage; a worker needs room in its work folder for the decoded audio
of an attempt.  In one data folder both lie on one disk, but nothing relies on that.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.errors import InsufficientStorage
from shared.settings import Settings


class Space(Protocol):
    """A place that can fill up."""

    def usable_bytes(self) -> int:
        """Bytes that can still be written, beyond the reserve; 0 if none.

        Raises OSError when the place cannot be asked.
        """


@dataclass
class WorkSpace:
    """The room in the work folder, where attempts keep their decoded audio.

    The folder need not exist yet.
    """

    path: Path
    min_free_bytes: int

    def usable_bytes(self) -> int:
        return usable_bytes(nearest_existing(self.path), self.min_free_bytes)

    def disk_bytes(self) -> int:
        """Bytes that could be written, beyond the reserve, if nothing else lay on the disk."""
        total = shutil.disk_usage(nearest_existing(self.path)).total
        return max(0, total - self.min_free_bytes)


def work_space(settings: Settings) -> WorkSpace:
    return WorkSpace(settings.work_dir, settings.min_free_bytes)


def usable_bytes(folder: Path, min_free_bytes: int) -> int:
    """Bytes free on the folder's disk beyond `min_free_bytes`; 0 if none."""
    return max(0, shutil.disk_usage(folder).free - min_free_bytes)


def nearest_existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def require_writable(folder: Path) -> None:
    """Check that a file can be written in a folder. Raises OSError, with `folder` as its
    `filename`, if no file can be written there."""
    try:
        # Unnamed, so that nothing is left behind and no sweep meets it.
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from error


def require_space(place: Space, size_bytes: int = 0) -> None:
    """Check the free space. Raises InsufficientStorage if `size_bytes` more would eat into the
    place's reserve."""
    usable = place.usable_bytes()
    if not usable:
        raise InsufficientStorage
    if size_bytes > usable:
        raise InsufficientStorage(
            f"The server's disk is too full: this takes {size_bytes / 2**20:,.0f} MB, and "
            f"{usable / 2**20:,.0f} MB are left. Try again later, or ask the operator to make "
            "room."
        )
