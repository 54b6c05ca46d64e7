"""Positions of waiting jobs and number of workers, read once in a while for all who ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from shared.db import Database
from shared.jobs.eta.queue_positions import positions_and_etas
from shared.jobs.eta.snapshot import take_snapshot

FRESH_S = 1.0
"""Seconds for which what was read serves all who ask."""

_SHARE_OF_TIME = 0.1
"""Largest share of the time that reading may take; where FRESH_S is too short for that, it is done
more rarely."""

_ASKED_WITHIN_S = 60.0
"""A job after which nobody has asked for so long is not looked up any more."""


@dataclass(slots=True)
class _Read:
    until: float = 0.0
    """Time at which they are read anew in any case, on this process's own clock."""
    workers: int = -1  # no number of workers that is shown
    positions: Mapping[str, int] = field(default_factory=dict)


class RecentPositions:
    """Positions of waiting jobs and number of living workers, as of at most a few seconds ago.
    Threads may share it."""

    def __init__(self, db: Database, *, seen_within_s: float) -> None:
        self._db = db
        self._seen_within_s = seen_within_s
        self._read = _Read()
        self._lock = threading.Lock()
        self._asked: dict[str, float] = {}
        """Time at which each waiting job was last asked for."""

    def will_be_asked(self, job_ids: Iterable[str]) -> None:
        """Note the waiting jobs after whose positions somebody is going to ask."""
        self._asked.update(dict.fromkeys(job_ids, time.monotonic()))

    def hold(self, workers_alive: int | None, positions: Mapping[str, int]) -> bool:
        """Return whether this many workers live and the waiting jobs have these positions, by id.

        None: the number of workers does not matter.
        """
        self.will_be_asked(positions)
        now = self._newest()
        if workers_alive is not None and workers_alive != now.workers:
            return False
        return all(now.positions.get(job_id) == place for job_id, place in positions.items())

    def _newest(self) -> _Read:
        if time.monotonic() >= self._read.until:
            with self._lock:
                if time.monotonic() >= self._read.until:
                    self._read = self._take()
        return self._read

    def _take(self) -> _Read:
        began = time.monotonic()
        noted = self._asked.copy()
        asked = [job_id for job_id, at in noted.items() if began - at < _ASKED_WITHIN_S]
        try:
            with self._db.reading() as session:
                snapshot = take_snapshot(session, seen_within_s=self._seen_within_s)
                positions = positions_and_etas(session, snapshot, asked).position
        except SQLAlchemyError:  # whoever asks makes the whole answer, and hears of it there
            return _Read()
        # Not those that were noted meanwhile.
        for job_id in noted.keys() - (set(asked) & positions.keys()):
            self._asked.pop(job_id, None)
        ended = time.monotonic()
        fresh_s = max(FRESH_S, (ended - began) / _SHARE_OF_TIME)
        return _Read(ended + fresh_s, snapshot.workers, positions)
