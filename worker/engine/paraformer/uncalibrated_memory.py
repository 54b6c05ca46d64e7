"""Estimate from a Paraformer's architecture how much memory its batches need."""

from __future__ import annotations

from dataclasses import dataclass

from worker.memory.batch_memory_model import MemoryModel

FRAME_SECONDS = 0.06
"""Seconds in one encoder frame: six 10 ms feature frames (lfr_n = 6)."""

TOKENS_PER_SECOND = 8.0
"""Fast Mandarin; ordinary speech has four to five."""


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """Sizes of an architecture that decide its activations."""

    model_dim: int
    """Width of encoder and predictor: 512 in Paraformer-large."""
    vocabulary: int
    """Rows of the output layer: 8404 in Paraformer-large."""
    feature_dim: int = 560
    """Numbers in one input frame: 80 mel bins times lfr_m = 7."""
    bytes_per_number: int = 4


def estimate_memory(shape: NetworkShape) -> MemoryModel:
    """The estimate used until the device has been measured.

    Bytes live at the peak of Paraformer-large (width 512, vocabulary 8404, fp32, fused
    attention), counted allocation by allocation on a CPU: the encoder holds 12 numbers times
    the width per padded frame; the timestamp predictor with its BLSTM 56 to 65 kB per padded
    frame, 80 kB where a span is alone in its batch, and 9.5 MB; the vocabulary 67 kB a token,
    that is two numbers per entry.  The stages follow each other, so the largest counts; the
    input frames stay throughout.  On seven shapes from 1 x 30 s to 60 x 1 s the estimate was
    2 to 45 % above what was live, never below.
    """
    number = shape.bytes_per_number
    encoder = 12 * shape.model_dim * number
    predictor = 80_000 * (shape.model_dim / 512) * (number / 4)
    vocabulary = 2 * shape.vocabulary * number * TOKENS_PER_SECOND * FRAME_SECONDS
    per_frame = shape.feature_dim * number + max(encoder, predictor, vocabulary)
    return MemoryModel(
        fixed_bytes=9.5e6 * (shape.model_dim / 512) ** 2 * (number / 4),
        bytes_per_second=per_frame / FRAME_SECONDS,
    )
