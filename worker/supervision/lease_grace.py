"""The patience with leases after an outage of the database, and after a leap of its clock."""

from __future__ import annotations

import time
from datetime import datetime

from shared.db import is_unavailable


class OutageGrace:
    """Says when leases that ran out may be ended: not for the time of some heartbeats after an
    outage of the database, since all of them ran out in it and their holders may live. The same
    holds when its clock leapt forward, as that of a laptop does while its lid is closed.

    A process that has just started does not know whether there was one, and is as patient.  Threads
    may share it.
    """

    def __init__(self, *, lease_s: float, heartbeat_s: float, sweep_s: float) -> None:
        self._heartbeat_s = heartbeat_s
        self._lasts_s = max(2 * heartbeat_s, sweep_s)
        self._least_leap_s = lease_s - heartbeat_s
        self._was_unavailable = True
        self._until = 0.0
        self._ahead_s: float | None = None
        """The database's clock before our monotonic one."""

    def note_error(self, error: BaseException) -> None:
        """Note what the database, or whatever else, answered with."""
        self._was_unavailable |= is_unavailable(error)

    def note_absence(self) -> None:
        """Note that this process was stopped for long, as the holders of leases may have been."""
        self._was_unavailable = True

    def note_answer(self, *, asked_at: float, seen_at: datetime) -> None:
        """Note that the database answered a question of `asked_at`, on the monotonic clock, at
        `seen_at` on its own: late enough, it is an outage too."""
        now = time.monotonic()
        has_leapt = self._leapt(now, seen_at)
        if self._was_unavailable or has_leapt or now - asked_at > self._heartbeat_s:
            self._until = now + self._lasts_s
        self._was_unavailable = False

    def _leapt(self, now: float, seen_at: datetime) -> bool:
        before_s, self._ahead_s = self._ahead_s, seen_at.timestamp() - now
        return before_s is not None and self._ahead_s - before_s > self._least_leap_s

    def is_over(self) -> bool:
        """Return whether living holders have had the time to renew their leases."""
        return not self._was_unavailable and time.monotonic() >= self._until
