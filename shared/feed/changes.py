"""Reads the change feed of an owner's jobs."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable

from sqlalchemy import select

from shared.db import Database
from shared.models import Job, JobEvent

_LONGEST_TRANSACTION_S = 60.0
"""Events get their numbers when they are written and are seen once they are committed: for so long
one may still turn up below others."""

_NUMBERS_BACK = 1000
"""Numbers below the newest that may still turn up, where it is not known how long ago that one was
given."""

_MOST_NUMBERS = 100_000
"""Events of all owners that are looked through for one who was away; further back is too far."""

_PLACE = re.compile(r"(\d{1,18})-(\d{1,18})-([0-9a-f]{12})")


class TooFarBack(Exception):
    """The place lies too far back, or is none: whoever asks has to read the list anew."""


class ChangeFeed:
    """Reader of an owner's feed.

    `place` stands for all that the reader was told, and a later feed goes on from it.  Not for
    several threads at once.
    """

    def __init__(
        self,
        db: Database,
        owner_id: str,
        *,
        place: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin at `place`, or now without one. Raises TooFarBack."""
        self._db, self._owner_id, self._monotonic = db, owner_id, monotonic
        self._newest = self._newest_event()
        self._told: dict[int, str] = {}
        if place is not None:
            self._below = self._below_of(place)
        else:
            self._below = max(0, self._newest[0] - _NUMBERS_BACK)
            # What is there already is no news; what is committed below it later is.
            self._told = dict(self._events())
        self._passed = deque([(monotonic(), self._newest[0])])

    @property
    def place(self) -> str:
        """Position from which a later feed continues: the number below which all was read, and an
        event by which it finds out whether numbers were given twice since."""
        number, job_id = self._newest
        return f"{self._below}-{number}-{_tail(job_id)}"

    def changed(self, *, most: int) -> list[str]:
        """The ids of jobs that something happened to and that were not told since, at most so many;
        the others are told by the next call."""
        now, newest = self._monotonic(), self._newest_event()
        if self._job_of(self._newest[0]) != self._newest[1]:
            # Deleted with its job. SQLite gives the numbers above what is left once more.
            self._below = max(0, min(self._below, newest[0]) - _NUMBERS_BACK)
            self._passed.clear()
        self._newest = newest
        events = self._events()
        fresh = [job_id for number, job_id in events if self._told.get(number) != job_id]
        jobs = list(dict.fromkeys(fresh))
        told = set(jobs[:most])
        self._told |= {number: job_id for number, job_id in events if job_id in told}
        if len(jobs) > most:
            return jobs[:most]  # the place stays before the others
        self._passed.append((now, newest[0]))
        while self._passed[0][0] <= now - _LONGEST_TRANSACTION_S:
            self._below = max(self._below, self._passed.popleft()[1])
        kept_above = min(self._below, newest[0] - _NUMBERS_BACK)
        self._told = {number: of for number, of in self._told.items() if number > kept_above}
        return jobs

    def _below_of(self, place: str) -> int:
        found = _PLACE.fullmatch(place)
        if found is None:
            raise TooFarBack
        below, number = int(found[1]), int(found[2])
        if not 0 <= self._newest[0] - below <= _MOST_NUMBERS:
            raise TooFarBack
        if _tail(self._job_of(number)) != found[3]:
            raise TooFarBack
        return below

    def _newest_event(self) -> tuple[int, str]:
        newest = select(JobEvent.id, JobEvent.job_id).order_by(JobEvent.id.desc()).limit(1)
        with self._db.reading() as session:
            row = session.execute(newest).one_or_none()
        return (0, "") if row is None else (row.id, row.job_id)

    def _job_of(self, number: int) -> str:
        with self._db.reading() as session:
            found = session.scalar(select(JobEvent.job_id).where(JobEvent.id == number))
        return found or ""

    def _events(self) -> list[tuple[int, str]]:
        wanted = (
            select(JobEvent.id, JobEvent.job_id)
            .join(Job, Job.id == JobEvent.job_id)
            .where(JobEvent.id > self._below, Job.owner_id == self._owner_id)
            .order_by(JobEvent.id)
        )
        with self._db.reading() as session:
            return [(row.id, row.job_id) for row in session.execute(wanted)]


def _tail(job_id: str) -> str:
    """The random end of an id."""
    return job_id[-12:].rjust(12, "0")
