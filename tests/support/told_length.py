"""Recordings of any bytes in a store, and what their containers tell of their length."""

from __future__ import annotations

from shared.models import new_id
from shared.recordings.length import told_length_s
from shared.storage.blob_store import StoredBlob, key_of
from tests.support.doubles.memory_store import MemoryStore, Piece


class CountingStore(MemoryStore):
    """Counts the ranges that are opened of its one recording."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.blob = StoredBlob(key_of(new_id()), len(data), "")
        self.kept[self.blob.key] = Piece(bytearray(data))
        self.opened = 0

    def open_range(self, key: str, start: int = 0, stop: int | None = None):  # type: ignore[no-untyped-def]
        self.opened += 1
        return super().open_range(key, start, stop)


def told_s(data: bytes) -> float | None:
    store = CountingStore(data)
    return told_length_s(store, store.blob)
