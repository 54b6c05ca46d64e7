"""Cost of a forward pass beside the audio that it computes on, and the price paid to save one.

All in padded seconds: what the device could have computed on in the same time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

EXPENSIVE_PASS_S = 16.0
"""Cost of a pass in padded seconds from which on a pass is worth padding, longer windows and larger
batches.  Below, as on CPUs, the device computes for nearly as long as the pass lasts."""

LEAST_PADDING_LIMIT, MOST_PADDING_LIMIT = 1.10, 2.0
"""Padded over spoken seconds that a plan may have where a pass is cheap, and where it is
expensive."""

PADDING_A_SECOND = 1 / 64
"""Rise of the limit with each padded second that a pass costs.  What the planner then chooses by
itself stays below: the limit is for a cost that was measured wrongly."""

GAINING_BATCH = 20.0
"""A batch of so many times what its pass costs spends a twentieth of its time on that."""

USUAL_BATCH_S, LARGEST_BATCH_S = 600.0, 6_000.0
"""The batch of a device with cheap passes, and the largest of any: all places in its tensors, the
vocabulary's scores of fast speech among them, are then below 2**31."""

MOST_UNPADDED_S = 100.0
"""Most spoken seconds in a pass of a network that does not pad.  From half of it on a second costs
the same, and what is in a pass is committed together."""


@dataclass(frozen=True, slots=True)
class PassCost:
    """A batch of P padded seconds with a longest span of L costs `P + fixed_s + per_longest_s * L`.

    Raises ValueError for costs that are negative or not finite.
    """

    fixed_s: float
    """Padded seconds that a pass costs whatever the batch holds: on a GPU, the time in which its
    kernels are launched."""
    per_longest_s: float = 0.0
    """Padded seconds for each second of the longest span, through which a recurrent layer goes step
    by step."""
    pads: bool = True
    """True if the network computes on what shorter spans are filled up with. If not, P are the
    spoken seconds, and spans of any lengths may share a pass."""

    def __post_init__(self) -> None:
        if not all(
            math.isfinite(part) and part >= 0 for part in (self.fixed_s, self.per_longest_s)
        ):
            raise ValueError(f"what a pass costs must be finite and not negative: {self}")

    def computed_samples(self, lengths: Sequence[int]) -> int:
        """Samples that a pass over spans of these lengths computes on."""
        return max(lengths, default=0) * len(lengths) if self.pads else sum(lengths)

    def beside(self, longest_s: float) -> float:
        """Cost of a batch with this longest span beside its padded seconds."""
        return self.fixed_s + self.per_longest_s * longest_s

    @property
    def is_expensive(self) -> bool:
        return self.fixed_s >= EXPENSIVE_PASS_S

    @property
    def padding_limit(self) -> float:
        """Largest ratio of padded to spoken seconds in a plan."""
        above = PADDING_A_SECOND * max(0.0, self.fixed_s - EXPENSIVE_PASS_S)
        return min(MOST_PADDING_LIMIT, LEAST_PADDING_LIMIT + above)

    @property
    def gaining_batch_s(self) -> float:
        """The largest batch by which the device still gains much."""
        return min(LARGEST_BATCH_S, max(USUAL_BATCH_S, GAINING_BATCH * self.fixed_s))
