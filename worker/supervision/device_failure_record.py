"""Record of a worker's device failures, kept from one child to the next.

A CUDA context that is broken (an illegal access, an assertion on the device, an uncorrectable
error of its memory) fails whatever comes after, so the child in it ends and the next one begins
with a fresh context.  A file says what happened before: how long the next child waits, and whether
one recording alone is to blame.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from worker.supervision.file_lock import file_lock

_LONGEST_PAUSE_S = 300.0


@dataclass(frozen=True, slots=True)
class Failures:
    """Failures of the device since a job was last completed."""

    count: int = 0
    job_ids: list[str] = field(default_factory=list)
    """Jobs in which the device failed."""
    last_at: float = 0.0
    """Seconds since the epoch."""

    @property
    def of_one_job(self) -> bool:
        """Return whether the device failed in the same job each time."""
        return len(self.job_ids) == 1


class DeviceFailures:
    """The failures since a job was last completed, in the file at `path`, which several children
    of a worker share."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note_failure(self, job_id: str) -> Failures:
        """Record a failure within a job; all since one was completed, this one among them."""
        with file_lock(self._path.with_suffix(".lock"), give_up=lambda: False):
            before = self._read()
            job_ids = sorted({*before.job_ids, job_id})
            after = Failures(before.count + 1, job_ids, time.time())
            with contextlib.suppress(OSError):
                self._path.write_text(json.dumps(asdict(after)))
        return after

    def note_success(self) -> None:
        """A job was completed: the device works."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def pause_s(self) -> float:
        """Seconds that a new child waits yet: one after the first failure, then twice as long each
        time, up to five minutes."""
        failures = self._read()
        if not failures.count:
            return 0.0
        pause_s = min(_LONGEST_PAUSE_S, 2.0 ** min(failures.count - 1, 20))
        return min(pause_s, max(0.0, failures.last_at + pause_s - time.time()))

    def _read(self) -> Failures:
        try:
            return Failures(**json.loads(self._path.read_text()))
        except (OSError, ValueError, TypeError):
            return Failures()
