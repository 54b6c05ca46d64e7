"""Limits on clients that send or take slowly, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

REQUEST_S = 15.0
"""Seconds for a head to arrive, and as long again for a small body."""

PACE_OVER_S = 30.0
"""Waiting, in seconds, over which a client's rate is taken."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits on a thread's wait for a client.

    `silence_s`: seconds in which nothing moves. `least_bytes_s`: bytes in each second of waiting,
    on an average over PACE_OVER_S; 0 for any.
    """

    silence_s: float
    least_bytes_s: float


class Pace:
    """The rate at which a client sends or takes bytes, by the seconds that were waited for it.

    A client is not blamed for the time in which nobody asked it for anything.
    """

    def __init__(self, least_bytes_s: float) -> None:
        self._least_bytes_s = least_bytes_s
        self._bytes = 0
        self._waited_s = 0.0

    def note(self, size: int, waited_s: float) -> None:
        """Count `size` bytes that were waited for. Raises TimeoutError where that is too slow."""
        self._bytes += size
        self._waited_s += waited_s
        if self._waited_s < PACE_OVER_S:
            return
        if self._bytes < self._least_bytes_s * self._waited_s:
            raise TimeoutError(f"slower than {self._least_bytes_s:g} bytes a second")
        self._bytes, self._waited_s = 0, 0.0
