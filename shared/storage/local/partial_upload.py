"""The bytes of a recording that comes in several requests: a file in `uploads/` until it is whole.

Whoever writes to, finishes or removes one holds a lock on its file, which ends with its process
however that ends.  Of two requests, in whatever threads, processes or machines on one folder, the
second is refused.  Bytes beyond what the upload's row says were never promised; the next request
cuts them off.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from shared.errors import UploadBusy, UploadExpired, storage_error
from shared.storage.blob_store import StoredBlob, key_of
from shared.storage.local.durable import fsync_directory

_ASK_EVERY_S = 0.05


class UnfinishedFile:
    """An UnfinishedUpload: the locked `file`, which moves from `path` to `final` once kept."""

    def __init__(self, file: FileIO, upload_id: str, path: Path, final: Path) -> None:
        self._file = file
        self._id = upload_id
        self._path = path
        self._final = final

    def cut(self, size_bytes: int) -> None:
        if os.fstat(self._file.fileno()).st_size < size_bytes:
            raise UploadExpired
        self._file.truncate(size_bytes)
        self._file.seek(size_bytes)

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise storage_error(error) from error

    def sync(self) -> None:
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise storage_error(error) from error

    def keep(self, size_bytes: int, *, sha256: str | None = None) -> StoredBlob:
        if os.fstat(self._file.fileno()).st_size != size_bytes:
            raise UploadExpired
        if sha256 is None:
            self._file.seek(0)
            sha256 = hashlib.file_digest(self._file, "sha256").hexdigest()
        try:
            self._final.parent.mkdir(parents=True, exist_ok=True)
            if not self._final.exists():
                self._path.rename(self._final)
            fsync_directory(self._final.parent)
        except OSError as error:
            raise storage_error(error) from error
        return StoredBlob(key_of(self._id), size_bytes, sha256)


@contextmanager
def locked(places: Sequence[Path], *, wait_s: float) -> Iterator[FileIO]:
    """Open the first of `places` that is there, and hold its lock.

    Raises UploadBusy if somebody else has it after `wait_s`, or UploadExpired if none is there.
    """
    with _open_first(places) as file:
        deadline = time.monotonic() + wait_s
        while not _lock(file.fileno()):
            if time.monotonic() >= deadline:
                raise UploadBusy
            time.sleep(_ASK_EVERY_S)
        yield file


def _open_first(places: Sequence[Path]) -> FileIO:
    for path in places:
        try:
            return FileIO(path, "r+b")
        except FileNotFoundError:
            continue
    raise UploadExpired


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
