"""A file to which every attempt adds a line at each of its steps, so that what was done twice is
counted and not believed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.chaos.machinery.faults import Step

TRIGGERED = "triggered"
"""The entry before a fault is performed."""


READY = "ready"
"""A process that is about to hear doorbells."""


@dataclass(frozen=True)
class Entry:
    """`job_id` is empty before a claim; `given` is a digest of the samples of a batch that is about
    to be recognised; `at` is in seconds since the epoch."""

    what: str
    pid: int
    job_id: str = ""
    fence: int = 0
    given: str = ""
    at: float = 0.0


class StepLog:
    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, entry: Entry) -> None:
        """In a worker. One write, so that a line is there whole or not at all."""
        line = json.dumps(asdict(entry) | {"at": time.time()}) + "\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def entries(self, what: str | None = None, *, job_id: str | None = None) -> list[Entry]:
        return [
            entry
            for entry in self._all()
            if what in (None, entry.what) and job_id in (None, entry.job_id)
        ]

    def begun(self, job_id: str) -> list[Entry]:
        """The batches of a job whose recognition was begun, in order."""
        return self.entries(Step.RECOGNISING, job_id=job_id)

    def repeated(self, job_id: str | None = None) -> int:
        """How many batches, of one job or of all, were begun more than once; each time but the
        first counts."""
        given = [(e.job_id, e.given) for e in self.entries(Step.RECOGNISING, job_id=job_id)]
        return len(given) - len(set(given))

    def _all(self) -> Iterator[Entry]:
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                yield Entry(**json.loads(line))
