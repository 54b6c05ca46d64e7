"""A stored recording to read from anywhere, which ends the reading of one that asks for too
much."""

from __future__ import annotations

from shared.storage.blob_store import BlobStore, StoredBlob

_BLOCK_BYTES = 16_384


class OverBudget(Exception):
    """A reader asked for more than its budget: the file is damaged, hostile or of no use here."""


class BoundedFile:
    """The bytes of a recording, fetched in blocks of 16 KiB that are kept.

    `most_bytes` bounds what is fetched and so the memory, `most_reads` the number of calls and so
    the time.
    """

    def __init__(
        self, blobs: BlobStore, blob: StoredBlob, *, most_bytes: int, most_reads: int
    ) -> None:
        self.size_bytes = blob.size_bytes
        self._blobs = blobs
        self._key = blob.key
        self._blocks: dict[int, bytes] = {}
        self._blocks_left = most_bytes // _BLOCK_BYTES
        self._reads_left = most_reads

    def read(self, at: int, size: int) -> bytes:
        """Read `size` bytes from `at`; fewer at the end, and none beyond it.

        Raises OverBudget, and OSError where the storage does.
        """
        self._reads_left -= 1
        if self._reads_left < 0:
            raise OverBudget
        stop = min(at + size, self.size_bytes)
        pieces = []
        while at < stop:
            number, start = divmod(at, _BLOCK_BYTES)
            piece = self._block(number)[start : start + stop - at]
            if not piece:  # shorter than it was when it was stored
                break
            pieces.append(piece)
            at += len(piece)
        return b"".join(pieces)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            self._blocks_left -= 1
            if self._blocks_left < 0:
                raise OverBudget
            start = number * _BLOCK_BYTES
            with self._blobs.open_range(self._key, start, start + _BLOCK_BYTES) as reader:
                self._blocks[number] = reader.read(_BLOCK_BYTES)
        return self._blocks[number]
