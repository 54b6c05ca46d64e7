"""What a forward pass costs on GPUs that were not at hand: reckoned from their data sheets.

Every figure here is a reckoning until `make bench-gpu` has run on such a card.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.batching.batch_packing import Batch
from worker.pass_cost import PassCost

FLOP_A_SECOND = 6.8e9
"""Floating-point operations of Paraformer-large for a padded second: 24.6 TFLOP an hour."""

STEPS_A_SECOND = 50
"""Steps of the timestamp LSTM for a second of the longest span; both directions run at once."""

OPERATIONS = 899
"""Operations that a pass launches, as `tests/engine/paraformer/test_launches.py` counts them."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One card and arithmetic, and a Paraformer-large on it."""

    name: str
    flop_per_s: float
    """Floating-point operations per second of the matrix products, some 60 % of the peak in float32
    and 35 % in 16 bits."""
    launch_s: float = 10e-6
    """Seconds of the host for one operation of torch, from Python. Seen elsewhere: 6 to 26
    microseconds."""
    step_s: float = 20e-6
    """Seconds of one step of the LSTM: two products too small to fill the card, and the gates."""
    operations: int = OPERATIONS

    @property
    def padded_second_s(self) -> float:
        return FLOP_A_SECOND / self.flop_per_s

    @property
    def pass_cost(self) -> PassCost:
        """In padded seconds, as the calibration would measure it."""
        return PassCost(
            self.operations * self.launch_s / self.padded_second_s,
            STEPS_A_SECOND * self.step_s / self.padded_second_s,
        )

    def host_s(self) -> float:
        """In which the host enqueues one pass."""
        return self.operations * self.launch_s

    def device_s(self, batch: Batch) -> float:
        """In which the device computes one pass."""
        steps = STEPS_A_SECOND * batch.longest_s
        return batch.padded_s * self.padded_second_s + steps * self.step_s

    def pass_s(self, batch: Batch) -> float:
        """From the first launch to the results, taken one after the other as the planner does."""
        return self.host_s() + self.device_s(batch)


H100 = Gpu("H100, float32", 40e12)
H100_BF16 = Gpu("H100, bfloat16", 350e12)
