"""Time on the clock and on the processor."""

from __future__ import annotations

import resource
import time
from types import TracebackType
from typing import Self

from worker.bench.results import Cost


class Stopwatch:
    """Stopwatch for a `with` block, with its time in `cost`: all threads of this process, and the
    children that were waited for meanwhile (decoding is one)."""

    def __init__(self) -> None:
        self._wall = 0.0
        self._cpu = 0.0
        self.cost = Cost(0.0, 0.0)

    def __enter__(self) -> Self:
        self._wall, self._cpu = time.perf_counter(), _processor_seconds()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cost = Cost(time.perf_counter() - self._wall, _processor_seconds() - self._cpu)


def _processor_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
