"""Places of a text read at once: what fits into the free memory, halved where it does not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from worker.engine.punctuation.memory_model import MeasuredPasses, PassMemory
from worker.memory.batch_memory_model import Allocator, Reserve
from worker.recogniser import BatchOutOfMemory

SPANS = [(0, 40), (40, 60), (60, 160), (160, 200), (200, 220)]
NEEDS = PassMemory(bytes_per_token=1_000_000, fixed_bytes=5_000_000)


class Memory:
    """A device with so much free memory."""

    def __init__(self, free: int) -> None:
        self.free = free

    def headroom_bytes(self) -> int:
        return self.free

    def reset_peak(self) -> None: ...

    def peak_bytes(self) -> int:
        return 0


class Reader:
    """Gives each span back; has no room for more than so many tokens, padding included."""

    def __init__(self, room: int = 10**9) -> None:
        self.room = room
        self.passes: list[int] = []

    def __call__(self, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        if len(spans) * max(last - first for first, last in spans) > self.room:
            raise BatchOutOfMemory("no room")
        self.passes.append(len(spans))
        return list(spans)


def free_for(tokens: int) -> Memory:
    """So much that this many tokens are left after the reserve."""
    return Memory(Reserve().floor_bytes + 5_000_000 + tokens * 1_000_000)


def test_all_places_are_read_at_once_where_there_is_room() -> None:
    reader = Reader()
    assert MeasuredPasses(NEEDS, free_for(500)).over(SPANS, reader) == SPANS
    assert reader.passes == [5]


@pytest.mark.parametrize(
    ("tokens", "passes"), [(499, [4, 1]), (300, [3, 2]), (100, [2, 1, 2]), (0, [1] * 5)]
)
def test_a_pass_holds_what_fits_into_the_free_memory(tokens: int, passes: list[int]) -> None:
    reader = Reader()
    assert MeasuredPasses(NEEDS, free_for(tokens)).over(SPANS, reader) == SPANS
    assert reader.passes == passes


def test_a_pass_that_runs_out_of_memory_is_halved() -> None:
    reader = Reader(room=200)
    assert MeasuredPasses(NEEDS, None).over(SPANS, reader) == SPANS
    assert max(reader.passes) == 2


def test_the_next_text_is_read_in_as_many_places_as_before_again() -> None:
    reader = Reader(room=200)
    passes = MeasuredPasses(NEEDS, free_for(10_000))
    passes.over(SPANS, reader)
    reader.room, reader.passes = 10**9, []
    assert passes.over(SPANS, reader) == SPANS
    assert reader.passes == [5]


def test_no_room_for_a_single_place_is_told() -> None:
    with pytest.raises(BatchOutOfMemory):
        MeasuredPasses(NEEDS, free_for(10)).over(SPANS, Reader(room=30))


def test_other_errors_pass_unchanged() -> None:
    def fail(spans: Sequence[tuple[int, int]]) -> list[int]:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        MeasuredPasses(NEEDS, free_for(10_000)).over(SPANS, fail)


def test_the_estimate_covers_what_was_live_in_the_large_network() -> None:
    needs = PassMemory.from_architecture(516, 2_048, Allocator())
    assert 26_061 <= needs.bytes_per_token < 1.2 * 22_910
