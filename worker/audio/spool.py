"""The decoded samples of one job, on disk.

Recognition comes back to spans of a recording after voice activity has passed over all of it,
and ten hours are 1.15 GB: too much to keep in memory beside a model.  The file is read with
pread, never mapped, so that its pages count as the kernel's cache and not as ours.
"""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from shared.errors import InsufficientStorage, storage_error
from shared.transcripts.values import SAMPLE_BYTES
from worker.recogniser import SAMPLE_RATE, Pcm

_FORMAT = np.dtype("<i2")
_KEEP_SIZE = 1  # FALLOC_FL_KEEP_SIZE of <linux/falloc.h>


class AudioSpool:
    """A flat file of 16 kHz mono int16, little-endian: written once, then read by span.

    `path` must not exist; it belongs in the job's private directory.  As a context manager the
    spool removes its file at the end, whatever happened.
    """

    def __init__(self, path: Path) -> None:
        """Create the file. Raises InsufficientStorage, or OSError if the folder cannot be used."""
        self.path = path
        self._samples = 0
        self._reserved_bytes = 0
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise storage_error(error) from error

    @property
    def samples(self) -> int:
        """Number of samples appended."""
        return self._samples

    @property
    def seconds(self) -> float:
        return self._samples / SAMPLE_RATE

    @property
    def reserved_bytes(self) -> int:
        """Bytes of its size that the file system keeps room for; 0 where it cannot."""
        return self._reserved_bytes

    @property
    def is_within_reserve(self) -> bool:
        """Return whether space for the next samples is reserved already, however full the disk is
        by now."""
        return self._samples * SAMPLE_BYTES < self._reserved_bytes

    def reserve(self, size_bytes: int) -> None:
        """Have the file system keep room for `size_bytes` in all, so that no other attempt counts
        on it.  Where the file system cannot, nothing is kept.

        Raises InsufficientStorage.
        """
        libc = ctypes.CDLL(None, use_errno=True)
        if size_bytes <= 0 or not hasattr(libc, "fallocate"):
            return
        begin, length = ctypes.c_int64(0), ctypes.c_int64(size_bytes)
        if libc.fallocate(self._file, _KEEP_SIZE, begin, length) == 0:
            self._reserved_bytes = size_bytes
        elif (number := ctypes.get_errno()) == errno.ENOSPC:
            raise InsufficientStorage from OSError(number, os.strerror(number))

    def append(self, block: Pcm) -> None:
        """Add samples at the end, all of them or none.

        Raises InsufficientStorage when the disk is full; what was there stays readable.
        """
        if len(block) == 0:
            return
        data = np.ascontiguousarray(block, dtype=_FORMAT).data.cast("B")
        offset = self._samples * SAMPLE_BYTES
        written = 0
        try:
            while written < len(data):
                written += os.pwrite(self._file, data[written:], offset + written)
        except OSError as error:
            os.ftruncate(self._file, offset)
            raise storage_error(error) from error
        self._samples += len(data) // SAMPLE_BYTES

    def read(self, start: int, end: int) -> Pcm:
        """A copy of samples [start, end). Raises ValueError outside of what was appended."""
        if not 0 <= start <= end <= self._samples:
            raise ValueError(f"samples {start}..{end} of {self._samples}")
        span = np.empty(end - start, dtype=_FORMAT)
        if end == start:
            return span
        into = span.data.cast("B")
        got = 0
        while got < len(into):
            count = os.preadv(self._file, [into[got:]], start * SAMPLE_BYTES + got)
            if count == 0:
                raise OSError(errno.EIO, "the spool was cut short by somebody else", self.path)
            got += count
        return span

    def close(self) -> None:
        """Close the file and leave it on disk. May be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def remove(self) -> None:
        """Close the file and delete it. May be called twice."""
        self.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()
