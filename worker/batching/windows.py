"""Windows: the parts of a recording that are planned at a time.

Batches are packed by length, and the more spans there are to choose from the less padding they
need; but whoever waits for a five-hour recording wants to see its first sentences at once.  So the
first windows are short and the later ones hold several full batches.
"""

from __future__ import annotations

from collections.abc import Sequence

from worker.pass_cost import PassCost
from worker.recogniser import SpeechSpan

FIRST_WINDOW_S = 30.0
"""Seconds of speech in the first window: on a slow CPU a few seconds' work."""

BATCHES_A_WINDOW = 4
"""Full batches in a window once it has grown: padding is then as good as over a whole file."""

GROWTH, EXPENSIVE_GROWTH = 8, 16
"""A window is so many times as long as the one before: decoding is ahead of recognition by then,
and many short windows would mean many passes.  The larger where a pass is expensive."""

LARGE_WINDOW_S = 4_800.0
"""Seconds of speech that the largest window has at least where a pass is expensive, however small
its batches: the more there is to choose from, the fewer passes it takes."""


class PlanningWindows:
    """Cuts a growing sequence of spans into windows, by the spans alone and not by their timing."""

    def __init__(self, batch_size_s: float, pass_cost: PassCost) -> None:
        least = LARGE_WINDOW_S if pass_cost.is_expensive else FIRST_WINDOW_S
        self._largest_s = max(least, BATCHES_A_WINDOW * batch_size_s)
        self._growth = EXPENSIVE_GROWTH if pass_cost.is_expensive else GROWTH
        self._size_s = FIRST_WINDOW_S
        self._pending: list[SpeechSpan] = []
        self._pending_s = 0.0

    def add(self, spans: Sequence[SpeechSpan]) -> list[list[SpeechSpan]]:
        """The windows that these spans complete."""
        complete = []
        for span in spans:
            self._pending.append(span)
            self._pending_s += span.seconds
            if self._pending_s >= self._size_s:
                complete.append(self.rest())
                self._size_s = min(self._growth * self._size_s, self._largest_s)
        return complete

    def rest(self) -> list[SpeechSpan]:
        """Spans that complete no window yet: at the recording's end, the last window."""
        rest, self._pending, self._pending_s = self._pending, [], 0.0
        return rest
