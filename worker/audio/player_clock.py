"""Conversion of samples of the spool to the seconds that a player shows.

The spool holds every sample that was decoded, and silence where the container has a hole.  Where
the container's clock runs slower or faster than the samples, or steps back, nothing is cut out or
stretched: the two part, and this says by how much at each place.
"""

from __future__ import annotations

from bisect import bisect_right

from shared.transcripts.values import SAMPLE_RATE

_LEAST_S = 0.01
"""A smaller change is rounding."""


class PlayerClock:
    """Clock of the recording's player, written by the thread that decodes, in order of the samples;
    read by any."""

    def __init__(self) -> None:
        # One list of pairs, so that a reader never sees one half of an entry.
        self._offsets: list[tuple[int, float]] = [(0, 0.0)]

    def note(self, sample: int, heard_s: float) -> None:
        """Note that `sample` is played at `heard_s`, in seconds, and the samples after it
        accordingly."""
        offset = heard_s - sample / SAMPLE_RATE
        if abs(offset - self._offsets[-1][1]) >= _LEAST_S:
            self._offsets.append((sample, offset))

    def heard_s(self, sample: int) -> float:
        """Time at which `sample` is played, in seconds of the player; never less than 0."""
        index = bisect_right(self._offsets, sample, key=lambda entry: entry[0]) - 1
        return max(0.0, sample / SAMPLE_RATE + self._offsets[index][1])
