"""Reading in several places at once comes to what reading from the front comes to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from worker.engine.punctuation.parallel_reading import MOST_READERS, STEP_TOKENS, Marks, Span, read

END = 1


class Text:
    """Marks that depend on all that is looked at, as a network's may."""

    def __init__(self, tokens: Sequence[int], *, ends_in: int, sight: int, bound: int) -> None:
        self.tokens = tokens
        self._ends_in, self._sight, self._bound = ends_in, sight, bound
        self.batches: list[int] = []

    def look(self, spans: Sequence[Span]) -> list[Marks]:
        self.batches.append(len(spans))
        return [self._look(first, last) for first, last in spans]

    def _look(self, first: int, last: int) -> Marks:
        marks = []
        for token in range(first, last):
            near = range(max(first, token - self._sight), min(last, token + self._sight))
            seen = bytes(self.tokens[position] for position in near)
            number = int.from_bytes(hashlib.blake2b(seen, digest_size=4).digest(), "big")
            marks.append(number % self._ends_in)
        return marks

    def settle(self, marks: Marks) -> int:
        for position in range(len(marks) - 2, 1, -1):
            if marks[position] == END:
                marks[position] = 100 + len(marks)  # to be told apart
                return position + 1
        return len(marks) - 5 if len(marks) > self._bound else 0

    def read_from_the_front(self) -> Marks:
        decided: Marks = []
        for end in range(STEP_TOKENS, len(self.tokens) + STEP_TOKENS, STEP_TOKENS):
            marks = self._look(len(decided), min(end, len(self.tokens)))
            final = len(marks) if end >= len(self.tokens) else self.settle(marks)
            decided += marks[:final]
        return decided


@given(
    tokens=st.binary(max_size=3_000),
    ends_in=st.sampled_from([2, 5, 30, 1_000]),
    sight=st.sampled_from([1, 4, 60, 500]),
    bound=st.sampled_from([25, 100, 400]),
)
def test_any_text(tokens: bytes, ends_in: int, sight: int, bound: int) -> None:
    text = Text(tokens, ends_in=ends_in, sight=sight, bound=bound)
    assert read(len(tokens), text.look, text.settle) == text.read_from_the_front()


def test_a_long_text_takes_few_passes() -> None:
    text = Text(bytes(i * i % 251 for i in range(16_000)), ends_in=12, sight=6, bound=400)
    assert read(16_000, text.look, text.settle) == text.read_from_the_front()
    assert max(text.batches) == MOST_READERS
    assert len(text.batches) < 16_000 / STEP_TOKENS / 15


def test_a_text_on_which_readers_never_agree_is_read_from_the_front() -> None:
    """Every mark depends on where its span begins, and nothing ever ends."""
    text = Text(bytes(range(250)) * 8, ends_in=10**9, sight=10**6, bound=33)
    assert read(2_000, text.look, text.settle) == text.read_from_the_front()


def test_nothing_to_read() -> None:
    assert read(0, lambda spans: [], lambda marks: 0) == []
