"""Number of places of a text that are read at once: as many as the free memory holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from worker.memory.batch_memory_model import Allocator, Reserve
from worker.recogniser import BatchOutOfMemory, MemoryProbe

Span = tuple[int, int]
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class PassMemory:
    """Bytes that one pass over several spans of text takes at its peak, weights not included."""

    bytes_per_token: float
    """Padding counts as tokens."""
    fixed_bytes: float = 0.0

    @classmethod
    def from_architecture(cls, width: int, linear: int, allocator: Allocator) -> PassMemory:
        """Estimate for an encoder of this width with feed-forward layers of width `linear`, in
        float32.

        Attention holds up to 13 rows of the network's width for each token, the feed-forward layer
        three and two of its own.  Counted allocation by allocation on a CPU, for ct-punc's sizes
        (516, 2,048): 22.9 to 24.9 kB a token for 4 to 32 spans of 20 to 420 tokens, 26.1 kB for one
        span of 20; the estimate is 26.8 kB.
        """
        live = 4 * max(13 * width, 3 * width + 2 * linear)
        return cls(allocator.per_live_byte * live, allocator.fixed_bytes)

    def places_within(self, spans: Sequence[Span], usable_bytes: float) -> int:
        """Number of first spans that fit, padded to the longest of them; 1 at the least."""
        longest = 0
        for count, (first, last) in enumerate(spans, 1):
            longest = max(longest, last - first)
            if self.fixed_bytes + count * longest * self.bytes_per_token > usable_bytes:
                return max(1, count - 1)
        return len(spans)


class MeasuredPasses:
    """Passes over spans, each as large as the memory that is free then.

    What a span comes to does not depend on its company, so the outcome is that of one pass.
    """

    def __init__(self, needs: PassMemory | None, memory: MemoryProbe | None) -> None:
        self._needs = needs
        self._memory = memory

    def over(
        self, spans: Sequence[Span], read: Callable[[Sequence[Span]], list[Read]]
    ) -> list[Read]:
        """Call `read` for all spans.

        A pass for which the device has no room is halved; raises BatchOutOfMemory where it has none
        for a single span.
        """
        done: list[Read] = []
        most = len(spans)
        while len(done) < len(spans):
            rest = spans[len(done) : len(done) + most]
            here = rest[: self._places(rest)]
            try:
                done += read(here)
            except BatchOutOfMemory:
                if len(here) == 1:
                    raise
                most = len(here) // 2
        return done

    def _places(self, spans: Sequence[Span]) -> int:
        if self._needs is None or self._memory is None:
            return len(spans)
        usable = Reserve().usable_bytes(self._memory.headroom_bytes())
        return self._needs.places_within(spans, usable)
