"""Computation of a recording's voice map from the vectors of its pieces.

Ten hours have some 38,000 pieces, too many to compare each with each. Above `MOST_GROUPS` they are
put into that many groups that sound alike (spherical k-means), and the groups are compared.

The result depends on no thread, processor or order of pieces. Vectors are whole numbers, and so
are the centres: their products, and every part of one, stay below 2**24, up to which float32 holds
whole numbers exactly, however the matrix product adds them up.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.speakers import MOST_GROUPS, VoiceMap, VoicePiece
from shared.speakers.voice_map import FARTHEST
from shared.transcripts.values import SAMPLE_RATE

_CENTRE_LENGTH = 65_536
"""Length of a centre. Times that of a vector, at most 1.1 * 127, it is below 2**24."""

_ROUNDS = 10
"""Times that pieces go over to the centre that is nearest. More change the speakers no further."""

_FITTED_SAMPLES = SAMPLE_RATE
"""Centres are means of pieces of at least so much, where there are enough of them: what is shorter
says little of its voice and would only blur them."""

_ROWS = 8_192
"""Pieces that are compared with all centres at once: 13 MB of products."""

Vectors = NDArray[np.int8]
Centres = NDArray[np.int32]
Labels = NDArray[np.intp]


def group(
    vectors: Vectors, starts: Sequence[int], ends: Sequence[int], encoder: str, threshold: int
) -> VoiceMap:
    """Group the pieces of a recording and measure the distances between the groups.

    `vectors` is int8 [n, width], each row a unit vector times 127; `starts` and `ends` are samples.
    The pieces may come in any order, but no two may be the same stretch. `encoder` is the revision
    of the network that gave the vectors, and `threshold` its distance (`VoiceMap`).
    """
    count = len(vectors)
    if not count == len(starts) == len(ends):
        raise ValueError(f"{count} vectors, {len(starts)} starts and {len(ends)} ends")
    if not count:
        return VoiceMap(encoder, threshold, (), b"")
    order = _in_time(starts, ends)
    vectors = vectors[order]
    first, last = np.asarray(starts, np.int64)[order], np.asarray(ends, np.int64)[order]
    if count <= MOST_GROUPS:
        labels: Labels = np.arange(count)
        centres = _to_length(vectors.astype(np.int64))
    else:
        labels, centres = _k_means(vectors, last - first)
    pieces = tuple(
        VoicePiece(start, end, label)
        for start, end, label in zip(first.tolist(), last.tolist(), labels.tolist(), strict=True)
    )
    return VoiceMap(encoder, threshold, pieces, _distances(centres))


def voices_of_groups(
    vectors: Vectors, starts: Sequence[int], ends: Sequence[int], voice_map: VoiceMap
) -> bytes:
    """The mean voice of each group of `voice_map`, which `group` made of the same pieces: rows of
    signed bytes, each a unit vector times 127."""
    rows = vectors[_in_time(starts, ends)].astype(np.int64)
    samples = np.array([piece.end_sample - piece.start_sample for piece in voice_map.pieces])
    labels = np.array([piece.group for piece in voice_map.pieces], np.intp)
    sums = np.zeros((voice_map.groups, vectors.shape[1]), np.int64)
    np.add.at(sums, labels, np.maximum(1, 100 * samples // SAMPLE_RATE)[:, None] * rows)
    voices: Vectors = np.rint(_to_length(sums) * (127 / _CENTRE_LENGTH)).astype(np.int8)
    return voices.tobytes()


def _in_time(starts: Sequence[int], ends: Sequence[int]) -> NDArray[np.intp]:
    """The places of pieces in the order of time."""
    return np.lexsort((ends, starts))


def _k_means(vectors: Vectors, samples: NDArray[np.int64]) -> tuple[Labels, Centres]:
    """Put the pieces into at most MOST_GROUPS groups, none empty: labels [n], centres [groups, w].

    The first centres are pieces at even distances in the time that is spoken, so that who speaks
    long has many of them. No chance is in it.
    """
    weights = np.maximum(1, 100 * samples // SAMPLE_RATE)
    fitted = np.flatnonzero(samples >= _FITTED_SAMPLES)
    if len(fitted) < MOST_GROUPS:
        fitted = np.arange(len(vectors))
    chosen, chosen_weights = vectors[fitted], weights[fitted]
    passed = np.cumsum(chosen_weights)
    at = (2 * np.arange(MOST_GROUPS) + 1) * int(passed[-1]) // (2 * MOST_GROUPS)
    centres = _to_length(chosen[np.searchsorted(passed, at, side="right")].astype(np.int64))
    labels = _nearest(chosen, centres)
    for _ in range(_ROUNDS):
        centres = _means(chosen, chosen_weights, labels, centres)
        moved = _nearest(chosen, centres)
        if np.array_equal(moved, labels):
            break
        labels = moved
    labels = _nearest(vectors, centres)
    used, labels = np.unique(labels, return_inverse=True)
    return labels, centres[used]


def _nearest(vectors: Vectors, centres: Centres) -> Labels:
    """The centre of the largest product with each vector, the first of several: [n]."""
    across = centres.T.astype(np.float32)
    return np.concatenate(
        [
            (vectors[at : at + _ROWS].astype(np.float32) @ across).argmax(axis=1)
            for at in range(0, len(vectors), _ROWS)
        ]
    )


def _means(
    vectors: Vectors, weights: NDArray[np.int64], labels: Labels, before: Centres
) -> Centres:
    """The mean of each group's vectors by their weights; an empty group keeps its centre."""
    order = np.argsort(labels, kind="stable")
    used, begins = np.unique(labels[order], return_index=True)
    centres = before.copy()
    ends = [*begins[1:].tolist(), len(order)]
    sums = np.stack(
        [
            weights[order[begin:end]] @ vectors[order[begin:end]].astype(np.int64)
            for begin, end in zip(begins.tolist(), ends, strict=True)
        ]
    )
    centres[used] = _to_length(sums)
    return centres


def _to_length(rows: NDArray[np.int64]) -> Centres:
    """Scale rows of whole numbers to `_CENTRE_LENGTH`, rounded to whole numbers."""
    # Below 2**20 the squares of a row add up exactly, in any order.
    largest = np.abs(rows).max(axis=1, keepdims=True)
    small = rows // np.maximum(1, largest >> 19)
    lengths = np.sqrt(np.maximum(1, (small * small).sum(axis=1, keepdims=True)).astype(np.float64))
    centres: Centres = np.rint(small * (_CENTRE_LENGTH / lengths)).astype(np.int32)
    return centres


def _distances(centres: Centres) -> bytes:
    """The distance of each pair of centres, as `VoiceMap.distances` has them."""
    exact = centres.astype(np.float64)
    cosines = (exact @ exact.T) / float(_CENTRE_LENGTH) ** 2
    scaled = np.rint(FARTHEST * (1 - cosines) / 2).clip(0, FARTHEST).astype(np.uint8)
    return scaled[np.triu_indices(len(centres), k=1)].tobytes()
