"""Counts of what the processes of a worker have done since it started.

A child counts in its own memory and leaves the sums in a file of the health folder, MAIN.PID.counts
(`worker.supervision.worker_files`); the main process adds them up when it is asked.  Counting
costs no job anything: a disk that is full keeps the sums of before.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

OUTCOMES = {
    "completed": "completed",
    "failed": "failed",
    "cancelled": "cancelled",
    "to be retried": "retried",
    "given back": "given_back",
    "released": "released",
    "the device failed": "device_failed",
}
"""Label of each outcome, by the beginning of what `worker.tasks` returns."""

LOST = "lost"
"""The label of an attempt whose outcome could not be stored."""


def label_of(outcome: str) -> str:
    """The label of an outcome, as `worker.tasks` says it."""
    return OUTCOMES.get(outcome.partition(":")[0], LOST)


@dataclass(slots=True)
class Counts:
    """Sums since the worker started; times are in seconds."""

    attempts: Counter[str] = field(default_factory=Counter)
    """Attempts by outcome."""
    attempt_s: float = 0.0
    """Wall seconds of attempts that ended, whatever came of them."""
    audio_s: float = 0.0
    """Length of the recordings that were transcribed."""
    batches: int = 0
    """Committed batches, which the next three are about too."""
    speech_s: float = 0.0
    padded_s: float = 0.0
    """Sum over the batches of the seconds that the network computed on: the longest segment's times
    the number of segments where shorter ones are padded, else those of speech."""
    recognition_s: float = 0.0
    """Wall seconds in the network."""
    out_of_memory: int = 0
    """Batches that did not fit and were halved."""
    lost_attempts: int = 0
    """Attempts of any worker whose lease this one found expired, or whose process it had to
    kill."""

    def add(self, other: Counts) -> None:
        for name in _NAMES:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _NAMES}

    @classmethod
    def of_json(cls, told: dict[str, Any]) -> Counts:
        """Decode what `to_json` wrote. Raises KeyError, TypeError or ValueError for what `to_json`
        did not write."""
        numbers = {name: _number(told[name]) for name in _NAMES if name != "attempts"}
        attempts = {str(key): int(value) for key, value in dict(told["attempts"]).items()}
        return cls(attempts=Counter(attempts), **numbers)


_NAMES = tuple(one.name for one in fields(Counts))


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return value


class Tally:
    """The counts of this process; `keep_in` names the file in which others find them."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._path: Path | None = None
        self._lock = threading.Lock()

    def keep_in(self, folder: Path, main_pid: int) -> None:
        self._path = counts_file(folder, main_pid, os.getpid())

    def note_batch(self, speech_s: float, padded_s: float, *, recognition_s: float) -> None:
        """Count a batch that was committed."""
        with self._changed() as counts:
            counts.batches += 1
            counts.speech_s += speech_s
            counts.padded_s += padded_s
            counts.recognition_s += recognition_s

    def note_out_of_memory(self) -> None:
        with self._changed() as counts:
            counts.out_of_memory += 1

    def note_transcribed(self, audio_s: float) -> None:
        with self._changed() as counts:
            counts.audio_s += audio_s

    def note_attempt(self, outcome: str, *, took_s: float) -> None:
        """Count an attempt that is over; `outcome` is how `worker.tasks` says it."""
        with self._changed() as counts:
            counts.attempts[label_of(outcome)] += 1
            counts.attempt_s += took_s

    def note_lost(self) -> None:
        with self._changed() as counts:
            counts.lost_attempts += 1

    @contextlib.contextmanager
    def _changed(self) -> Iterator[Counts]:
        with self._lock:
            yield self.counts
            if self._path is not None:
                with contextlib.suppress(OSError):
                    draft = self._path.with_suffix(".counting")
                    draft.write_text(json.dumps(self.counts.to_json()))
                    draft.rename(self._path)


tally = Tally()
"""The counts of this process."""


class CountsOfWorker:
    """The sums of a worker's processes, of those that ended too; asked in the main process."""

    def __init__(self, folder: Path, main_pid: int, *, lives: Callable[[int], bool]) -> None:
        self._folder = folder
        self._main_pid = main_pid
        self._lives = lives
        self._ended = Counts()
        self._lock = threading.Lock()

    def __call__(self) -> Counts:
        """Add up. What a child that ended left is kept here, for process ids come again."""
        total = Counts()
        with self._lock:
            for path in self._folder.glob(f"{self._main_pid}.*.counts"):
                with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                    lived = self._lives(int(path.name.split(".")[1]))
                    found = Counts.of_json(json.loads(path.read_text()))
                    if lived:
                        total.add(found)
                    else:
                        path.unlink()
                        self._ended.add(found)
            total.add(self._ended)
        total.add(tally.counts)
        return total


def counts_file(folder: Path, main_pid: int, pid: int) -> Path:
    return folder / f"{main_pid}.{pid}.counts"
