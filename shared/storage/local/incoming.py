"""A file that comes in one request, on its way into the folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Self

from shared.errors import storage_error
from shared.models import new_id
from shared.storage.blob_store import StoredBlob, key_of
from shared.storage.local.durable import fsync_directory
from shared.storage.upload_size_limit import too_large

_CHECK_SPACE_EVERY_BYTES = 64 * 2**20


class IncomingFile:
    """An IncomingBlob: hashed as it comes, in a file of `folder` until it is kept."""

    def __init__(
        self,
        folder: Path,
        path_of: Callable[[str], Path],
        max_bytes: int,
        *,
        require_space: Callable[[], None],
        blob_id: str | None = None,
    ) -> None:
        self._path_of = path_of
        self._max_bytes = max_bytes
        self._require_space = require_space
        name = new_id()
        self._id = blob_id or name
        self._path = folder / name
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
            self._require_space()
        self._hash.update(data)
        try:
            return self._file.write(data)
        except OSError as error:
            raise storage_error(error) from error

    def keep(self) -> StoredBlob:
        key = key_of(self._id)
        final = self._path_of(key)
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
        self._file.close()
        if not self._kept:
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()
