"""Times of tokens by CTC: the likeliest way to spread known tokens over the frames.

The recurrence of Graves et al. 2006 with the best way in place of the sum of all, frame by frame
for all spans at once.  Of a frame only the scores of the span's own tokens and of the blank are
needed: what makes probabilities of scores is the same for every way through the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

FRAME_MS = 40
LATE_MS = 20
"""Milliseconds by which CTC's first frame of a token is taken to be late: FireRedASR2's figure."""

_LAST_END_MS = -35
"""Milliseconds from the end of the last frame to that of the last token: half a window's width,
less what a token's end is late, as its authors have it."""

Milliseconds = tuple[int, int]

_IMPOSSIBLE = -1e30


def align(
    tokens: Sequence[Sequence[int]],
    scores: NDArray[np.float32],
    blank: NDArray[np.float32],
    lengths: Sequence[int],
) -> list[list[Milliseconds]]:
    """Start and end of every token of each span, in milliseconds from its start.

    `scores`: (spans, T, most tokens), of each token of the span in order; `blank`: (spans, T);
    `lengths`: each span's own frames.  Where a span has fewer frames than CTC needs for its tokens
    they are spread evenly.
    """
    is_possible = [
        len(said) + sum(one == other for one, other in pairwise(said)) <= length
        for said, length in zip(tokens, lengths, strict=True)
    ]
    states = _best_states(tokens, scores, blank, lengths)
    times: list[list[Milliseconds]] = []
    for said, of_span, length, possible in zip(tokens, states, lengths, is_possible, strict=True):
        if not said:
            times.append([])
        elif possible:
            times.append(_times(of_span, length))
        else:
            edges = np.linspace(0, length * FRAME_MS, len(said) + 1).round().astype(int).tolist()
            times.append(list(pairwise(edges)))
    return times


def _best_states(
    tokens: Sequence[Sequence[int]],
    scores: NDArray[np.float32],
    blank: NDArray[np.float32],
    lengths: Sequence[int],
) -> list[list[int]]:
    """State of the likeliest way in each frame of a span: 2 i + 1 for token i, an even number for a
    blank."""
    spans, frames, most = scores.shape
    emitted = np.empty((frames, spans, 2 * most + 1))
    emitted[:, :, 0::2] = blank.T[:, :, None]
    emitted[:, :, 1::2] = scores.transpose(1, 0, 2)
    may_skip = np.zeros((spans, 2 * most + 1), dtype=bool)
    for span, said in enumerate(tokens):
        for i in range(1, len(said)):
            may_skip[span, 2 * i + 1] = said[i] != said[i - 1]
    came = np.zeros((frames, spans, 2 * most + 1), dtype=np.uint8)
    best = np.full((spans, 2 * most + 1), _IMPOSSIBLE)
    best[:, :2] = emitted[0, :, :2]
    ends = np.empty_like(best)
    own = np.asarray(lengths)
    ends[own == 1] = best[own == 1]
    for frame in range(1, frames):
        ways = np.full((3, *best.shape), _IMPOSSIBLE)
        ways[0] = best
        ways[1, :, 1:] = best[:, :-1]
        ways[2, :, 2:] = np.where(may_skip[:, 2:], best[:, :-2], _IMPOSSIBLE)
        came[frame] = ways.argmax(axis=0)
        best = ways.max(axis=0) + emitted[frame]
        ends[own == frame + 1] = best[own == frame + 1]
    states = []
    for span, (said, length) in enumerate(zip(tokens, lengths, strict=True)):
        state = 2 * len(said)
        if said and ends[span, state - 1] > ends[span, state]:
            state -= 1
        way = [state]
        for frame in range(length - 1, 0, -1):
            state -= int(came[frame, span, state])
            way.append(state)
        states.append(way[::-1])
    return states


def _times(states: Sequence[int], length: int) -> list[Milliseconds]:
    """A token lasts until the next one begins; one that would last more than twice as long as the
    average, half as long again as that, or as many frames as it has."""
    starts, lasted = [], []
    frame = 0
    for state, run in groupby(states):
        count = sum(1 for _ in run)
        if state % 2:
            starts.append(frame * FRAME_MS - LATE_MS)
            lasted.append(count * FRAME_MS)
        frame += count
    ends: list[float] = [*starts[1:], length * FRAME_MS + _LAST_END_MS]
    average = (ends[-1] - starts[0]) / len(starts)
    times = []
    for start, end, own in zip(starts, ends, lasted, strict=True):
        if end - start > 2 * average:
            end = start + max(1.5 * average, own)
        times.append((max(0, start), max(0, start + 1, round(end))))
    return times
