"""Estimate from a FireRedASR's architecture what its batches need, until it is measured.

Memory, and the cost of a forward pass.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.engine.networks.usual_pass_cost import UsualPassCost
from worker.memory.batch_memory_model import MemoryModel
from worker.pass_cost import PassCost

FRAMES_PER_SECOND = 25
"""Frames of the encoder in a second: one for 40 ms."""

_MAPS_BYTES = 0.9e6
"""Bytes of the first convolution's maps of a second."""

TOKENS_PER_SECOND = 12
"""Most tokens in a second, more than anybody says: fast Mandarin has eight characters, English in
its pieces as many."""
TOKENS_BESIDE = 4
"""Tokens that even the shortest span may have."""

COST = UsualPassCost(cpu=PassCost(8.0), gpu=PassCost(200.0))
"""A pass reads the decoder's 420 million weights for every token, five a second of its longest
span, however many spans there are.  On one core, with random weights of the true size, a token took
0.08 s for one span and 0.21 s for eight, and the encoder 0.27 s a second.  A GPU was not at hand: a
token launches some 400 kernels in 3 ms or so, in which it could encode several padded seconds."""


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """Sizes of an architecture that decide its activations."""

    width: int
    """Width of the network: 1280 in FireRedASR2-AED."""
    decoder_blocks: int
    """Blocks of the decoder: 16 in FireRedASR2-AED."""
    vocabulary: int
    """Rows of the output layer: 8667 in FireRedASR2-AED."""
    beams: int
    feature_dim: int = 80


def most_tokens(frames: int) -> int:
    """Largest number of tokens in a span of so many encoder frames, which ends a search that
    repeats itself."""
    return min(frames, TOKENS_BESIDE + frames * TOKENS_PER_SECOND // FRAMES_PER_SECOND)


def estimate_memory(shape: NetworkShape) -> MemoryModel:
    """Bytes live at the peak, in float32.

    Encoding and decoding follow each other, so the larger counts, which at the true size is
    decoding.  It has room for the keys and values of every token that a span may have, for each of
    its hypotheses in each layer, whether they come to be said or not, and those of every encoder
    frame once; so a padded second costs as many tokens as one may have, times the hypotheses.
    Beside them are the scores of all tokens, three times over, for each hypothesis of a span.  What
    is there once a span is charged to a second, for there are spans as short.  The encoder holds 22
    numbers times the width a frame, and a narrow one's attention a matrix of frames by distances.
    """
    number = 4
    kept = shape.decoder_blocks * 2 * shape.width
    of_tokens = (TOKENS_PER_SECOND + TOKENS_BESIDE) * (kept + shape.width)  # one is reordered
    of_frames = FRAMES_PER_SECOND * (kept + 2 * shape.width)
    decoding = shape.beams * (of_tokens + 3 * shape.vocabulary) + of_frames
    encoding = FRAMES_PER_SECOND * (22 * shape.width + 8 * shape.feature_dim)
    return MemoryModel(
        fixed_bytes=_MAPS_BYTES,
        bytes_per_second=1.15 * number * max(decoding, encoding),
        bytes_per_second_squared=number * 4 * FRAMES_PER_SECOND**2,
    )
