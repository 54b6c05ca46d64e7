"""Estimate from a SenseVoice's architecture what its batches need, until it is measured.

Memory, the cost of a forward pass, and the batches that measure both.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from worker.engine.family import ProbeBatches, ProbeShape
from worker.memory.model import MemoryModel

FRAME_SECONDS = 0.06
"""Seconds in one encoder frame: six 10 ms feature frames (lfr_n = 6)."""

LABELLED_ROWS = 512
"""Frames that are given their labels together: of a vocabulary of 25,055 pieces their scores take
51 MB, where those of five minutes would take 0.5 GB."""

_CPU_OVERHEAD_S = 2.0
"""Paraformer's, whose encoder this nearly is; not measured."""

_GPU_OVERHEAD_S = 32.0
"""Likewise: 70 blocks launch about as many kernels as 50 blocks with a decoder and a predictor."""

PROBES = ProbeBatches(
    warm_up=ProbeShape(2, 1.0),
    memory=(ProbeShape(4, 2.5), ProbeShape(12, 2.5), ProbeShape(3, 10.0), ProbeShape(4, 15.0)),
    overhead=(ProbeShape(4, 2.5), ProbeShape(40, 15.0)),
)


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """What of an architecture decides its activations."""

    model_dim: int
    """Width of the encoder: 512 in SenseVoiceSmall."""
    vocabulary: int
    """Rows of the output layer: 25055 in SenseVoiceSmall."""
    feature_dim: int = 560
    """Numbers in one input frame: 80 mel bins times lfr_m = 7."""


def estimate_memory(shape: NetworkShape) -> MemoryModel:
    """Bytes live at the peak, in float32 with fused attention.

    A padded frame takes what it takes in Paraformer's encoder, 12 numbers times the width, and its
    features thrice; a fifth is added for the four queries before each span, which weigh most where
    spans last a second.  The scores of `LABELLED_ROWS` frames are there twice for a moment.
    """
    number = 4
    per_frame = 1.2 * number * (12 * shape.model_dim + 3 * shape.feature_dim)
    return MemoryModel(
        fixed_bytes=2.0 * number * LABELLED_ROWS * shape.vocabulary + 1e6,
        bytes_per_second=per_frame / FRAME_SECONDS,
    )


def usual_overhead_s(device: torch.device) -> float:
    """What one more forward pass costs beside its audio, in padded seconds."""
    return _GPU_OVERHEAD_S if device.type == "cuda" else _CPU_OVERHEAD_S
