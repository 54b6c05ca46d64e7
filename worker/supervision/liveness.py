"""How an attempt shows that it moves: a line in a file, which the worker's main process watches.

A thread beside the one that recognises could not tell: a call that hangs while it holds the
interpreter's lock stops every thread of its process, and one that hangs without it leaves the
heartbeat running for ever.  So the watch is kept from outside (`worker.supervision.watchdog`), and
what the attempt says reaches it by a file, which asks no database, no network and no answer.
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

_UNLEARNT = 1.0
"""Seconds allowed for a padded second while this attempt has finished no batch: the first one
finds cold caches, and kernels still to be chosen.  A worker slower than its recordings is of no
use; a network of Paraformer-large's size takes a tenth of that on one CPU core (0.09 processor
seconds, docs/performance.md)."""

_PATIENCE = 4.0
"""Afterwards, so many times what the batches took so far: others may come to use the device."""

_LINE_BYTES = 120
"""Each line overwrites the last and is as long, so that a full disk refuses none but the first."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What the file says: whose attempt it is, and how long it may now be silent."""

    job_id: str
    fence: int
    limit_s: float

    @classmethod
    def read(cls, line: bytes) -> Sign:
        """Raises ValueError for a line that was caught half written."""
        job_id, fence, limit_s, _ = line.decode("ascii").split()
        return cls(job_id, int(fence), float(limit_s))


class Watched:
    """One attempt, watched while this is entered.

    It may be silent for `stall_s` seconds, and in a batch for longer; silence is the time since
    the last `moved` or the begin or end of the last `batch`.
    """

    def __init__(self, path: Path | None, *, job_id: str, fence: int, stall_s: float) -> None:
        self._path = path
        self._job_id = job_id
        self._fence = fence
        self._stall_s = stall_s
        self._file: int | None = None
        self._moves = 0
        self._padded_s = 0.0
        self._took_s = 0.0

    def moved(self, *, allowed_s: float = 0.0) -> None:
        """Something got done; the next may take `stall_s` and `allowed_s` seconds."""
        if self._file is None:
            return
        self._moves += 1
        limit_s = self._stall_s + allowed_s
        line = f"{self._job_id} {self._fence} {limit_s:.3f} {self._moves}".ljust(_LINE_BYTES)
        try:
            os.pwrite(self._file, line.encode("ascii"), 0)
        except OSError as error:
            # Silent by no fault of its own, it would be taken for hung.
            log.warning("this attempt goes on unwatched", error=str(error))
            self._leave()

    @contextmanager
    def batch(self, padded_s: float) -> Iterator[None]:
        """Around a forward pass over `padded_s` padded seconds."""
        self.moved(allowed_s=padded_s * self._slowness())
        began = time.monotonic()
        yield
        self._padded_s += padded_s
        self._took_s += time.monotonic() - began
        self.moved()

    def _slowness(self) -> float:
        """Seconds allowed for a padded second of the next batch."""
        if self._padded_s <= 0:
            return _UNLEARNT
        return _PATIENCE * self._took_s / self._padded_s

    def _leave(self) -> None:
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
            self.moved()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave()


UNWATCHED = Watched(None, job_id="", fence=0, stall_s=0.0)
"""For an attempt outside a worker's processes."""


def watch_file(folder: Path, *, worker: str, pid: int) -> Path:
    """Where the child `pid` of `worker` (host and main process) shows that it moves."""
    return folder / f"{worker}:{pid}"


def watched_children(folder: Path, *, worker: str) -> Iterator[tuple[int, Path]]:
    """The children of `worker` that show anything, by process id."""
    prefix = f"{worker}:"
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        pid = path.name.removeprefix(prefix)
        if path.name.startswith(prefix) and pid.isdecimal():
            yield int(pid), path
