"""The bytes of recordings that come in pieces: one file each in `uploads/`, until it is whole.

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
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from shared.errors import UploadBusy, UploadExpired, storage_error
from shared.storage.blobs import BlobStore, StoredBlob, fsync_directory, key_of

_ASK_EVERY_S = 0.05


class PartialBlob:
    """One of them, held by this request."""

    def __init__(self, store: BlobStore, upload_id: str, file: FileIO) -> None:
        self._store = store
        self._id = upload_id
        self._file = file

    def cut(self, size_bytes: int) -> None:
        """Forget what comes after, and go on writing there. UploadExpired if there is less."""
        if os.fstat(self._file.fileno()).st_size < size_bytes:
            raise UploadExpired
        self._file.truncate(size_bytes)
        self._file.seek(size_bytes)

    def write(self, data: bytes) -> None:
        """All of it, or InsufficientStorage."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            raise storage_error(error) from error

    def sync(self) -> None:
        """After this what was written survives a power cut."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise storage_error(error) from error

    def keep(self, size_bytes: int, *, sha256: str | None = None) -> StoredBlob:
        """Give it its place among the recordings, having read it for its hash unless that is known.

        Safe to repeat, also after a crash in between. UploadExpired if it is not so long.
        """
        if os.fstat(self._file.fileno()).st_size != size_bytes:
            raise UploadExpired
        if sha256 is None:
            self._file.seek(0)
            sha256 = hashlib.file_digest(self._file, "sha256").hexdigest()
        key = key_of(self._id)
        final = self._store.path(key)
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            if not final.exists():
                _path(self._store, self._id).rename(final)
            fsync_directory(final.parent)
        except OSError as error:
            raise storage_error(error) from error
        return StoredBlob(key, size_bytes, sha256)


def create_partial(store: BlobStore, upload_id: str) -> None:
    """An empty file for a new upload. Raises InsufficientStorage."""
    path = _path(store, upload_id)
    try:
        path.parent.mkdir(exist_ok=True)
        path.open("xb").close()
        fsync_directory(path.parent)
    except OSError as error:
        raise storage_error(error) from error


@contextmanager
def holding(store: BlobStore, upload_id: str, *, wait_s: float = 0.0) -> Iterator[PartialBlob]:
    """Hold an upload's bytes, waiting so long for another holder.

    Raises UploadBusy, or UploadExpired if they are nowhere.  Read its row only now: the holder
    before has just changed it.
    """
    with _open(store, upload_id) as file:
        deadline = time.monotonic() + wait_s
        while not _locked(file.fileno()):
            if time.monotonic() >= deadline:
                raise UploadBusy
            time.sleep(_ASK_EVERY_S)
        yield PartialBlob(store, upload_id, file)


def remove_partial(store: BlobStore, upload_id: str, *, also_kept: bool = False) -> None:
    """Its bytes. With `also_kept` those that have their place already too: nobody's row may name
    them."""
    _path(store, upload_id).unlink(missing_ok=True)
    if also_kept:
        store.delete(key_of(upload_id))


def untouched_partials(store: BlobStore, *, for_s: float) -> list[str]:
    """The ids of those that nobody has written to for so long."""
    oldest = time.time() - for_s
    try:
        return [path.name for path in store.uploads_dir.iterdir() if path.lstat().st_mtime < oldest]
    except FileNotFoundError:  # none yet, or one that went meanwhile: another sweep comes
        return []


def _path(store: BlobStore, upload_id: str) -> Path:
    return store.uploads_dir / upload_id


def _open(store: BlobStore, upload_id: str) -> FileIO:
    # Whole but without its job yet, as a crash leaves it, it stands in its place already.
    for path in (_path(store, upload_id), store.path(key_of(upload_id))):
        try:
            return FileIO(path, "r+b")
        except FileNotFoundError:
            continue
    raise UploadExpired


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
