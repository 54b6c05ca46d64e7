"""Times of tokens by CTC: the frames of 60 ms that carry each.

To align tokens is to find, of all ways to spread them and blanks over the frames, the likeliest.
Here the tokens are what the likeliest label of each frame spells, so the likeliest way is those
labels themselves: no other has a higher probability in any frame.  FunASR 1.4.16
(`output_timestamp`) searches the same with a table of frames times tokens, in a Python loop over
the frames.  It aligns other tokens where its tokenizer, given the text, cuts it in other pieces
than the network heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from worker.engine.networks.heard_token import HeardToken

FRAME_MS = 60
LEAD_MS = 30
"""Milliseconds by which a frame's label is taken to be late: FunASR's figure, half a frame."""


def heard_tokens(
    labels: Sequence[int], probabilities: Sequence[float], blank: int
) -> list[HeardToken]:
    """The tokens that one label and its probability for each frame of a span spell, in order.

    A token's probability is that of the frame which is most certain of it: CTC may let a token go
    on or end wherever it likes, so its other frames say nothing of whether it was heard.
    """
    tokens = []
    first = 0
    for label, run in groupby(labels):
        after = first + sum(1 for _ in run)
        if label != blank:
            start_ms = max(0, first * FRAME_MS - LEAD_MS)
            certain = max(probabilities[first:after])
            tokens.append(HeardToken(label, start_ms, after * FRAME_MS - LEAD_MS, certain))
        first = after
    return tokens
