"""Resident memory of the processes that live through the last two thirds."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections import defaultdict
from pathlib import Path

from tests.chaos.soak.processes import Lane

MIB = 2**20
ALLOWED_GROWTH = 0.05
"""Largest growth between the medians of the two thirds."""


def resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


class MemoryWatch:
    """Samples a lane's processes: the web's and the worker's, main and child apart."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._samples: dict[str, list[tuple[float, int, int]]] = defaultdict(list)

    def sample(self) -> None:
        now = time.monotonic()
        for role, pids in {
            "web worker": self._lane.web_workers(),
            "worker main": [self._lane.worker.pid],
            "worker child": self._lane.model_processes(),
        }.items():
            if pids:
                pid = max(pids, key=resident_bytes)
                self._samples[role].append((now, pid, resident_bytes(pid)))

    def latest(self) -> dict[str, float]:
        """MiB."""
        return {role: samples[-1][2] / MIB for role, samples in self._samples.items() if samples}

    def medians(self, second_third: float, last_third: float, end: float) -> dict[str, list[float]]:
        """MiB of each role in the two thirds, which begin at these monotonic times."""
        found = {}
        for role, samples in self._samples.items():
            before = [size for at, _, size in samples if second_third <= at < last_third]
            after = [size for at, _, size in samples if last_third <= at < end]
            if before and after:
                found[role] = [statistics.median(part) / MIB for part in (before, after)]
        return found

    def restarted(self, since: float) -> list[str]:
        """Roles whose process changed after `since`: nothing can be said of their memory."""
        return [
            role
            for role, samples in self._samples.items()
            if len({pid for at, pid, _ in samples if at >= since}) > 1
        ]


def growth(medians: dict[str, list[float]]) -> list[str]:
    """A sentence for each role that grew by more than is allowed."""
    return [
        f"{role}: {after:.1f} MiB in the last third, after {before:.1f} MiB in the second"
        for role, (before, after) in medians.items()
        if after > before * (1 + ALLOWED_GROWTH)
    ]
