"""Times of tokens: from the weights of the second CIF predictor to milliseconds.

Follows FunASR 1.4.16 (`cif_wo_hidden` and `ts_prediction_lfr6_standard`) in plain Python: a span
has 50 weights a second, so this is microseconds a span, where FunASR makes a device round trip for
each.  Differences, both where FunASR breaks: no time lies before the span, and when the number of
fires cannot be made to fit, tokens are spread evenly instead of raising IndexError.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

WEIGHT_SECONDS = 10.0 * 6 / 1000 / 3
"""20 ms: three weights to each 60 ms frame of the encoder."""

FIRE_THRESHOLD = 1.0 - 1e-4
FIRE_SHIFT = -1.5
"""Weights by which a fire lags behind the token that it begins."""

MAX_TOKEN_WEIGHTS = 12
"""A longer token, 240 ms, is cut there; silence follows it."""

EDGE_WEIGHTS = 5
"""A gap longer than this, 100 ms, after the last fire is taken for silence."""

Milliseconds = tuple[int, int]
"""Start and end from the beginning of the span."""


def token_times(weights: Sequence[float], tokens: int, fires: int) -> list[Milliseconds]:
    """Start and end of each of `tokens` tokens, in milliseconds.

    `weights` are the raw weights of the span; scaled to sum to `fires`, the number of tokens that
    the decoder saw including the end of sentence, they give one fire where each token begins.
    """
    if tokens == 0:
        return []
    total = sum(weights)
    if total > 0:
        # First as the decoder counted. The fires lie between tokens, so one more is needed; where
        # the end-of-sentence token is missing, scale to the number wanted.
        for target in (fires, tokens + 1):
            begins = fire_positions([weight * target / total for weight in weights])
            if len(begins) == tokens + 1:
                return _between(begins, len(weights))
    share = len(weights) / tokens
    return [(_milliseconds(i * share), _milliseconds((i + 1) * share)) for i in range(tokens)]


def fire_positions(weights: Sequence[float]) -> list[int]:
    """Integrate and fire: the indices at which the running sum crosses the threshold."""
    positions = []
    integral = 0.0
    for index, weight in enumerate(weights):
        integral += weight
        if integral >= FIRE_THRESHOLD:
            integral -= FIRE_THRESHOLD
            positions.append(index)
    return positions


def _between(begins: Sequence[int], length: int) -> list[Milliseconds]:
    """Tokens last from one fire to the next; the last one to half of the way to the span's end."""
    edges = [index + FIRE_SHIFT for index in begins]
    ends = [min(after, before + MAX_TOKEN_WEIGHTS) for before, after in pairwise(edges)]
    last_was_cut = edges[-1] - edges[-2] > MAX_TOKEN_WEIGHTS
    if not last_was_cut:
        rest = length - edges[-1]
        ends[-1] = (length + edges[-1]) * 0.5 if rest > EDGE_WEIGHTS else float(length)
    return [
        (_milliseconds(start), _milliseconds(end))
        for start, end in zip(edges[:-1], ends, strict=True)
    ]


def _milliseconds(weights: float) -> int:
    # In seconds first and truncated, as FunASR does it, so that the digits are the same.
    return max(0, int(weights * WEIGHT_SECONDS * 1000))
