"""Usage of time and memory by an attempt, measured in the process that recognises."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from shared.jobs import Usage
from worker.recogniser import MemoryProbe


class AttemptMeter:
    """Counts time and memory of one attempt, from the moment when it is made.

    Processor time is this process's, all of its threads: voice activity and punctuation too, but
    not the decoder, which is a process of its own.
    """

    def __init__(self, memory: MemoryProbe) -> None:
        self._memory = memory
        self._cpu_began_s = time.process_time()
        self._recognition_s = 0.0

    @contextmanager
    def recognising(self) -> Iterator[None]:
        """Count the time of a forward pass, one that runs out of memory included."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._recognition_s += time.perf_counter() - began

    def usage(self) -> Usage:
        """Time and memory used by the attempt by now."""
        return Usage(
            recognition_s=self._recognition_s,
            cpu_s=time.process_time() - self._cpu_began_s,
            peak_bytes=self._memory.peak_bytes(),
        )
