"""Recordings on disk, under names of our own, each there entirely or not at all.

A file that comes in one request is written to `incoming/` and hashed as it comes, then renamed to
its place.  What a crash leaves in `incoming/` belongs to nobody.  One that comes in several stands
in `uploads/` until then (`shared.storage.partial`).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.errors import FileTooLarge, InsufficientStorage, storage_error
from shared.models import new_id

_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f-]{36}", re.ASCII)
_CHECK_SPACE_EVERY_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """Bytes that are safe on disk. `key` finds them again."""

    key: str
    size_bytes: int
    sha256: str


class IncomingBlob:
    """A file being received: write to it, then keep or discard it.

    Raises FileTooLarge or InsufficientStorage from `write`; discarded when left without `keep`.
    """

    def __init__(self, store: BlobStore, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._id = new_id()
        self._path = store.incoming_dir / self._id
        self._file = self._path.open("xb")
        self._hash = hashlib.sha256()
        self._kept = False
        self.size_bytes = 0

    def write(self, data: bytes) -> int:
        before = self.size_bytes
        self.size_bytes += len(data)
        if self.size_bytes > self._max_bytes:
            raise too_large(self._max_bytes)
        if before // _CHECK_SPACE_EVERY_BYTES != self.size_bytes // _CHECK_SPACE_EVERY_BYTES:
            self._store.require_space(0)
        self._hash.update(data)
        try:
            return self._file.write(data)
        except OSError as error:
            raise storage_error(error) from error

    def keep(self) -> StoredBlob:
        """Make the bytes durable and give them their place."""
        key = key_of(self._id)
        final = self._store.path(key)
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            final.parent.mkdir(parents=True, exist_ok=True)
            self._path.rename(final)
            fsync_directory(final.parent)
        except OSError as error:
            raise storage_error(error) from error
        self._kept = True
        return StoredBlob(key, self.size_bytes, self._hash.hexdigest())

    def discard(self) -> None:
        """Forget the bytes. Does nothing once they are kept."""
        self._file.close()
        if not self._kept:
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()


def key_of(blob_id: str) -> str:
    """Where the bytes of that id have their place."""
    return f"{blob_id[-2:]}/{blob_id}"


def is_key(text: str) -> bool:
    """Whether a path below the folder of the recordings is a name that `keep` gives."""
    return _KEY.fullmatch(text) is not None


class BlobStore:
    """All recordings of this installation, in a folder that web and workers share."""

    def __init__(self, root: Path, *, min_free_bytes: int) -> None:
        self.root = root
        self.incoming_dir = root / "incoming"
        self.uploads_dir = root / "uploads"
        self.incoming_dir.mkdir(parents=True, exist_ok=True)
        self._min_free_bytes = min_free_bytes

    def require_space(self, size_bytes: int) -> None:
        """Raises InsufficientStorage if `size_bytes` more would eat into the reserve."""
        usable = self.usable_bytes()
        if not usable:
            raise InsufficientStorage
        if size_bytes > usable:
            raise InsufficientStorage(
                f"The server's disk is too full: this takes {size_bytes / 2**20:,.0f} MB, and "
                f"{usable / 2**20:,.0f} MB are left. Try again later, or ask the operator to make "
                "room."
            )

    def usable_bytes(self) -> int:
        """What is free on the disk beyond the reserve; 0 if nothing is."""
        return max(0, shutil.disk_usage(self.root).free - self._min_free_bytes)

    def receive(self, *, max_bytes: int, expected_bytes: int = 0) -> IncomingBlob:
        """Start receiving a file of about `expected_bytes`, refusing over `max_bytes`.

        Raises FileTooLarge or InsufficientStorage before a byte is taken.
        """
        if expected_bytes > max_bytes:
            raise too_large(max_bytes)
        self.require_space(expected_bytes)
        return IncomingBlob(self, max_bytes)

    def path(self, key: str) -> Path:
        if not is_key(key):
            raise ValueError(f"not the key of a blob: {key!r}")
        return self.root / key

    def sweep_incoming(self, *, untouched_s: float) -> int:
        """Remove uploads that nobody has written to for so long; how many there were."""
        abandoned = [
            path
            for path in self.incoming_dir.iterdir()
            if time.time() - path.stat().st_mtime > untouched_s
        ]
        for path in abandoned:
            path.unlink(missing_ok=True)
        return len(abandoned)

    def delete(self, key: str) -> None:
        """Remove a blob; no error if it is gone already."""
        self.path(key).unlink(missing_ok=True)


def too_large(max_bytes: int) -> FileTooLarge:
    """What a client reads whose file exceeds LONGSCRIBE_MAX_UPLOAD_BYTES."""
    return FileTooLarge(
        f"This file is larger than the {max_bytes / 2**20:.0f} MB that this server accepts. "
        "Compress it (an hour of speech needs about 30 MB as MP3), or ask the operator to raise "
        "LONGSCRIBE_MAX_UPLOAD_BYTES.",
        param="file",
    )


def fsync_directory(directory: Path) -> None:
    """Make durable which names a folder holds: a new file, a rename."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
