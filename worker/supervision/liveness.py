"""Proof of an attempt's progress: a line in a file, which the worker's main process reads.

A thread beside the one that recognises could not tell: a call that hangs while it holds the
interpreter's lock stops every thread of its process, and one that hangs without it leaves the
heartbeat running for ever.  So another process watches (`worker.supervision.watchdog`), and what
the attempt says reaches it by a file, which needs no database, no network and no answer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

log = structlog.get_logger(__name__)

_FIRST_BATCH_FACTOR = 1.0
"""Seconds allowed for a padded second while this attempt has finished no batch: the first one
finds cold caches, and kernels still to be chosen.  A worker slower than its recordings is of no
use; a network of Paraformer-large's size takes a tenth of that on one CPU core (0.09 processor
seconds, docs/performance.md)."""

_LATER_BATCH_FACTOR = 4.0
"""Later batches may take so many times what the batches took so far: other programs may come to use
the device."""

_LINE_BYTES = 120
"""Length of each line, which overwrites the last and is as long, so that a full disk refuses none
but the first."""


@dataclass(frozen=True, slots=True)
class LivenessLine:
    """Content of the file: the attempt, and the seconds for which it may now write nothing."""

    job_id: str
    fence: int
    limit_s: float

    @classmethod
    def parse(cls, line: bytes) -> LivenessLine:
        """The line as the attempt wrote it.

        Raises ValueError for one that was read while it was being written.
        """
        job_id, fence, limit_s, _ = line.decode("ascii").split()
        return cls(job_id, int(fence), float(limit_s))


class Liveness:
    """Shows the progress of one attempt in the file at `path` while this is entered.

    The attempt may be silent for `stall_s` seconds, and in a batch for longer.  Silence is the time
    since the last `note_progress`, or since the last `batch` began or ended.  With no `path`
    nothing is shown, and nobody watches.
    """

    def __init__(self, path: Path | None, *, job_id: str, fence: int, stall_s: float) -> None:
        self._path = path
        self._job_id = job_id
        self._fence = fence
        self._stall_s = stall_s
        self._file: int | None = None
        self._lines = 0
        self._padded_s = 0.0
        self._took_s = 0.0

    def note_progress(self, *, allowed_s: float = 0.0) -> None:
        """Show that a step is done; the next one may take `stall_s` and `allowed_s` seconds."""
        if self._file is None:
            return
        self._lines += 1
        limit_s = self._stall_s + allowed_s
        line = f"{self._job_id} {self._fence} {limit_s:.3f} {self._lines}".ljust(_LINE_BYTES)
        try:
            os.pwrite(self._file, line.encode("ascii"), 0)
        except OSError as error:
            # An attempt that cannot write would be taken for one that hangs.
            log.warning("this attempt goes on unwatched", error=str(error))
            self._remove_file()

    @contextmanager
    def batch(self, padded_s: float) -> Iterator[None]:
        """Enter this around a forward pass over `padded_s` padded seconds."""
        self.note_progress(allowed_s=padded_s * self._allowed_a_padded_second())
        began = time.monotonic()
        yield
        self._padded_s += padded_s
        self._took_s += time.monotonic() - began
        self.note_progress()

    def _allowed_a_padded_second(self) -> float:
        """Seconds that the next batch may take for each of its padded seconds."""
        if self._padded_s <= 0:
            return _FIRST_BATCH_FACTOR
        return _LATER_BATCH_FACTOR * self._took_s / self._padded_s

    def _remove_file(self) -> None:
        if self._file is None or self._path is None:
            return
        self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = None

    def __enter__(self) -> Self:
        if self._path is not None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(
                    self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
                )
            except OSError as error:
                log.warning("this attempt goes unwatched", error=str(error))
            self.note_progress()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove_file()


NO_LIVENESS = Liveness(None, job_id="", fence=0, stall_s=0.0)
"""Shows nothing: for an attempt outside a worker's processes."""


def liveness_file(folder: Path, *, worker: str, pid: int) -> Path:
    """Path of the file in which the child `pid` of `worker` (host and main process) shows its
    progress."""
    return folder / f"{worker}:{pid}"


def liveness_files(folder: Path, *, worker: str) -> Iterator[tuple[int, Path]]:
    """The files of the children of `worker`, with their process ids.

    A child that died in mid-attempt has left its file.
    """
    prefix = f"{worker}:"
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        pid = path.name.removeprefix(prefix)
        if path.name.startswith(prefix) and pid.isdecimal():
            yield int(pid), path
