"""The patience with leases after an outage of the database."""

from __future__ import annotations

import time

from shared.db import is_unavailable


class OutageGrace:
    """Says when leases that ran out may be ended: not for the time of some heartbeats after an
    outage of the database, since all of them ran out in it and their holders may live.

    A process that has just started does not know whether there was one, and is as patient.  Threads
    may share it.
    """

    def __init__(self, *, heartbeat_s: float, sweep_s: float) -> None:
        self._heartbeat_s = heartbeat_s
        self._lasts_s = max(2 * heartbeat_s, sweep_s)
        self._was_unavailable = True
        self._until = 0.0

    def note_error(self, error: BaseException) -> None:
        """Note what the database, or whatever else, answered with."""
        self._was_unavailable |= is_unavailable(error)

    def note_answer(self, *, asked_at: float) -> None:
        """Note that the database answered a question of `asked_at`, on the monotonic clock: late
        enough, it is an outage too."""
        now = time.monotonic()
        if self._was_unavailable or now - asked_at > self._heartbeat_s:
            self._until = now + self._lasts_s
        self._was_unavailable = False

    def is_over(self) -> bool:
        """Return whether living holders have had the time to renew their leases."""
        return not self._was_unavailable and time.monotonic() >= self._until
