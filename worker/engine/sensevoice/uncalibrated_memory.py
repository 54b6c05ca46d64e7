"""Estimate from a SenseVoice's architecture what its batches need, until it is measured.

Memory, and the cost of a forward pass.  What is fitted to the usual probes is within a tenth of
what longer spans take; where all spans last a second, the queries before each make it a quarter
more.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.engine.networks.usual_pass_cost import UsualPassCost
from worker.memory.batch_memory_model import MemoryModel
from worker.pass_cost import PassCost

FRAME_SECONDS = 0.06
"""Seconds in one encoder frame: six 10 ms feature frames (lfr_n = 6)."""

_LEAST_ROWS = 32

COST = UsualPassCost(cpu=PassCost(1.5), gpu=PassCost(60.0))
"""Cost of a pass: on a CPU with random weights of the true size one core took 0.20 s for a span of
2 s and 0.66 for one of 10 s.  On a GPU Paraformer's, not measured: 70 blocks launch about as many
kernels as 50 with a decoder and a predictor."""


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """Sizes of an architecture that decide its activations."""

    model_dim: int
    """Width of the encoder: 512 in SenseVoiceSmall."""
    vocabulary: int
    """Rows of the output layer: 25055 in SenseVoiceSmall."""
    feature_dim: int = 560
    """Numbers in one input frame: 80 mel bins times lfr_m = 7."""


def labelled_rows(frames: int, shape: NetworkShape) -> int:
    """Number of frames that are given their labels together.

    The scores of 25,055 pieces take 100 kB a frame, four times what the encoder held.  So that they
    do not decide how large a batch may be, those of a part are made at a time: as many as take
    eight numbers times the width for each frame of the batch, where the encoder had twelve.
    """
    return max(_LEAST_ROWS, frames * 8 * shape.model_dim // shape.vocabulary)


def estimate_memory(shape: NetworkShape) -> MemoryModel:
    """Bytes live at the peak, in float32 with fused attention.

    A padded frame takes what it takes in Paraformer's encoder, 12 numbers times the width, and its
    features, or before that five times its features; a quarter is added for the four queries before
    each span, which weigh most where spans last a second.  The scores of the first `_LEAST_ROWS`
    frames are there in any case.  At the true width and vocabulary, allocation by allocation on a
    CPU, the estimate was 3 to 118 % above what eleven shapes of batches took, never below.
    """
    number = 4
    numbers = max(12 * shape.model_dim + shape.feature_dim, 5 * shape.feature_dim)
    per_frame = 1.25 * number * numbers
    return MemoryModel(
        fixed_bytes=1.1 * number * _LEAST_ROWS * shape.vocabulary + 1e6,
        bytes_per_second=per_frame / FRAME_SECONDS,
    )
