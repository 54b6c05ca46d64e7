"""Read a long text in several places at once, with the outcome of reading it from the front.

A reader takes `STEP_TOKENS` more tokens at a time, looks at them together with those before them
that are still pending, and lets go of what is final.  All that it carries from one step to the next
is where the pending tokens begin.  So two readers that have the same ones pending at the same step
go on alike, and that happens wherever both end a sentence at the same word.  Readers are set down
all over the text, each a little early, and go in step, as one batch; where the one from the front
arrives with the same tokens pending that the next had there, the next one's work is taken over.
Where they do not agree the one from the front reads on until they do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

STEP_TOKENS = 20
EARLY_STEPS = 2
"""Steps that a reader is set down before its part. Most sentences are shorter than this."""
SHORTEST_PART_STEPS = 6
MOST_READERS = 32

Span = tuple[int, int]
"""First token, and the one after the last."""

Marks = list[int]

Look = Callable[[Sequence[Span]], list[Marks]]
"""A mark for each token of each span; the spans are one batch."""

Settle = Callable[[Marks], int]
"""Function that tells how many of the first marks are final; it may change marks among these."""


class _Reader:
    def __init__(self, first_step: int) -> None:
        self._first = first_step
        self._pending_from = [first_step * STEP_TOKENS]
        self._marks: list[Marks] = []

    @property
    def step(self) -> int:
        """The step that comes next."""
        return self._first + len(self._marks)

    def next_span(self, tokens: int) -> Span:
        return self._pending_from[-1], min(tokens, (self.step + 1) * STEP_TOKENS)

    def take(self, marks: Marks, settle: Settle, *, is_last: bool) -> None:
        final = len(marks) if is_last else settle(marks)
        self._marks.append(marks[:final])
        self._pending_from.append(self._pending_from[-1] + final)

    def agrees_with(self, other: _Reader) -> bool:
        """Return whether `other` had the same tokens pending at this reader's step."""
        return other._pending_from[self.step - other._first] == self._pending_from[-1]

    def take_over(self, other: _Reader) -> None:
        """The steps of `other` from this reader's on."""
        done = self.step - other._first
        self._marks += other._marks[done:]
        self._pending_from += other._pending_from[done + 1 :]

    def marks(self) -> Marks:
        return [mark for step in self._marks for mark in step]


def read(tokens: int, look: Look, settle: Settle) -> Marks:
    """A mark for each of so many tokens."""
    steps = -(-tokens // STEP_TOKENS)
    if not steps:
        return []
    count = max(1, min(MOST_READERS, steps // SHORTEST_PART_STEPS))
    ends = [steps * (part + 1) // count for part in range(count)]
    readers = [_Reader(max(0, begin - EARLY_STEPS)) for begin in [0, *ends[:-1]]]

    def advance(moving: Sequence[_Reader]) -> None:
        seen = look([reader.next_span(tokens) for reader in moving])
        for reader, marks in zip(moving, seen, strict=True):
            reader.take(marks, settle, is_last=reader.step == steps - 1)

    while moving := [
        reader for reader, end in zip(readers, ends, strict=True) if reader.step < end
    ]:
        advance(moving)
    front = readers[0]
    for reader, end in zip(readers[1:], ends[1:], strict=True):
        while front.step < end and not front.agrees_with(reader):
            advance([front])
        front.take_over(reader)
    return front.marks()
