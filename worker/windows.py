"""How much of a recording is planned at a time.

Batches are packed by length, and the more spans there are to choose from the less padding they
need; but whoever waits for a five-hour recording wants to see its first sentences at once.  So the
first windows are short and the later ones hold several full batches.
"""

from __future__ import annotations

from collections.abc import Sequence

from worker.recogniser import SpeechSpan

FIRST_WINDOW_S = 30.0
"""Seconds of speech in the first window: on a slow CPU a few seconds' work."""

BATCHES_A_WINDOW = 4
"""Full batches in a window once it has grown: padding is then as good as over a whole file."""


class Windows:
    """Cuts a growing sequence of spans into windows, by the spans alone and not by their timing."""

    def __init__(self, batch_size_s: float) -> None:
        self._largest_s = max(FIRST_WINDOW_S, BATCHES_A_WINDOW * batch_size_s)
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
                self._size_s = min(2 * self._size_s, self._largest_s)
        return complete

    def rest(self) -> list[SpeechSpan]:
        """What is left at the recording's end: the last window, perhaps empty."""
        rest, self._pending, self._pending_s = self._pending, [], 0.0
        return rest
