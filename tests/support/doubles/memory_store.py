"""A second BlobStore, to find out what the rest of the code assumes of the first: it has no folder,
no path and no file system, only bytes in this process."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Self

from shared.errors import UploadBusy, UploadExpired
from shared.models import new_id
from shared.storage.blob_store import StoredBlob, StoredEntry, key_of, require_key
from shared.storage.measured_space import require_space
from shared.storage.upload_size_limit import too_large


@dataclass
class Piece:
    data: bytearray = field(default_factory=bytearray)
    written_at: float = field(default_factory=time.time)
    lock: Lock = field(default_factory=Lock)


class MemoryStore:
    """Implements `shared.storage.blob_store.BlobStore`."""

    def __init__(self, capacity_bytes: int = 2**30) -> None:
        self.capacity_bytes = capacity_bytes
        self.id: str | None = None
        self.kept: dict[str, Piece] = {}
        self.arriving: dict[str, Piece] = {}
        self.uploads: dict[str, Piece] = {}

    def check_writable(self) -> None:
        pass

    def identity(self) -> str | None:
        return self.id

    def set_identity(self, identity: str) -> str:
        self.id = self.id or identity
        return self.id

    def usable_bytes(self) -> int:
        held = [*self.kept.values(), *self.arriving.values(), *self.uploads.values()]
        return max(0, self.capacity_bytes - sum(len(piece.data) for piece in held))

    def receive(
        self, *, max_bytes: int, expected_bytes: int = 0, blob_id: str | None = None
    ) -> MemoryIncoming:
        if expected_bytes > max_bytes:
            raise too_large(max_bytes)
        require_space(self, expected_bytes)
        return MemoryIncoming(self, max_bytes, blob_id)

    def open_range(self, key: str, start: int = 0, stop: int | None = None) -> MemoryRange:
        return MemoryRange(self._piece(key).data, start, stop)

    @contextmanager
    def local_copy(self, key: str, **_: object) -> Iterator[int]:
        descriptor = os.memfd_create("recording")
        try:
            os.write(descriptor, self._piece(key).data)
            os.lseek(descriptor, 0, os.SEEK_SET)
            yield descriptor
        finally:
            os.close(descriptor)

    def delete(self, key: str) -> None:
        self.kept.pop(require_key(key), None)

    @property
    def presigned_origin(self) -> None:
        return None

    def presigned_url(self, key: str, *, media_type: str, disposition: str) -> None:
        return None

    def presigned_identity_url(self) -> None:
        return None

    def exists(self, key: str) -> bool:
        return require_key(key) in self.kept

    def begin_upload(self, upload_id: str) -> None:
        self.uploads[upload_id] = Piece()

    @contextmanager
    def hold_upload(self, upload_id: str, *, wait_s: float = 0.0) -> Iterator[MemoryUpload]:
        piece = self.uploads.get(upload_id) or self.kept.get(key_of(upload_id))
        if piece is None:
            raise UploadExpired
        if not piece.lock.acquire(timeout=wait_s):
            raise UploadBusy
        try:
            yield MemoryUpload(self, upload_id, piece)
        finally:
            piece.lock.release()

    def discard_upload(self, upload_id: str) -> None:
        self.uploads.pop(upload_id, None)

    def recordings(self) -> list[StoredEntry]:
        return _entries(self.kept)

    def incoming(self) -> list[StoredEntry]:
        return _entries(self.arriving)

    def unfinished_uploads(self) -> list[StoredEntry]:
        return _entries(self.uploads)

    def discard_incoming(self, name: str) -> None:
        self.arriving.pop(name, None)

    def _piece(self, key: str) -> Piece:
        try:
            return self.kept[require_key(key)]
        except KeyError:
            raise FileNotFoundError(key) from None


class MemoryIncoming:
    def __init__(self, store: MemoryStore, max_bytes: int, blob_id: str | None) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._name = new_id()
        self._id = blob_id or self._name
        self._piece = store.arriving[self._name] = Piece()

    @property
    def size_bytes(self) -> int:
        return len(self._piece.data)

    def write(self, data: bytes) -> int:
        if self.size_bytes + len(data) > self._max_bytes:
            raise too_large(self._max_bytes)
        require_space(self._store, len(data))
        self._piece.data += data
        return len(data)

    def keep(self) -> StoredBlob:
        key = key_of(self._id)
        self._store.kept[key] = self._store.arriving.pop(self._name)
        return _stored(key, self._piece)

    def discard(self) -> None:
        self._store.arriving.pop(self._name, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()


class MemoryUpload:
    def __init__(self, store: MemoryStore, upload_id: str, piece: Piece) -> None:
        self._store = store
        self._id = upload_id
        self._piece = piece

    def cut(self, size_bytes: int) -> None:
        if len(self._piece.data) < size_bytes:
            raise UploadExpired
        del self._piece.data[size_bytes:]

    def write(self, data: bytes) -> None:
        require_space(self._store, len(data))
        self._piece.data += data

    def sync(self) -> None:
        self._piece.written_at = time.time()

    def keep(self, size_bytes: int, *, sha256: str | None = None) -> StoredBlob:
        if len(self._piece.data) != size_bytes:
            raise UploadExpired
        self._store.uploads.pop(self._id, None)
        self._store.kept[key_of(self._id)] = self._piece
        return _stored(key_of(self._id), self._piece)


class MemoryRange:
    def __init__(self, data: bytearray, start: int, stop: int | None) -> None:
        self.size_bytes = len(data)
        self._rest = bytes(data[start:stop])

    def read(self, most: int) -> bytes:
        data, self._rest = self._rest[:most], self._rest[most:]
        return data

    def close(self) -> None:
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _entries(pieces: dict[str, Piece]) -> list[StoredEntry]:
    return [
        StoredEntry(name, f"memory:{name}", len(piece.data), piece.written_at)
        for name, piece in pieces.items()
    ]


def _stored(key: str, piece: Piece) -> StoredBlob:
    return StoredBlob(key, len(piece.data), hashlib.sha256(piece.data).hexdigest())
