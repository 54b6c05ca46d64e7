"""Resident memory of a running process and all that it started."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.stack_without_http import children

MB = 1e6


def resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
    return 0


def process_tree(pid: int) -> list[int]:
    """`pid` and its descendants."""
    return [pid, *(member for child in children(pid) for member in process_tree(child))]


class PeakResident:
    """The most that each process of a tree had resident while entered, sampled 20 times a
    second; children that start meanwhile are counted too."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.bytes_of: dict[int, int] = {}
        self.largest_bytes = 0

    def _sample(self) -> None:
        while not self._over.wait(0.05):
            for pid in process_tree(self._pid):
                now = resident_bytes(pid)
                self.bytes_of[pid] = max(now, self.bytes_of.get(pid, 0))
                self.largest_bytes = max(self.largest_bytes, now)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
