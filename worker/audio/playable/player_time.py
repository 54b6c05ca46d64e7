"""Samples of the spool in the places at which a player of the original plays them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest

import numpy as np

from worker.recogniser import SAMPLE_RATE, Pcm

PIECE_SAMPLES = SAMPLE_RATE // 10
"""The times of pieces so long are looked up."""

_TOLERANCE = SAMPLE_RATE // 100
"""Samples by which a piece may be off: 10 ms are not noticed, and rounding would click."""

_MOST_SILENCE = SAMPLE_RATE


def on_player_time(
    pieces: Iterable[tuple[int, Pcm]], heard_s: Callable[[int], float]
) -> Iterator[Pcm]:
    """Blocks of one second at most that follow each other as a player plays them.

    `pieces`: the number of the first sample, and PIECE_SAMPLES at most.  Where the player's clock
    runs ahead there is silence; where it falls behind, what was played already is left out.
    """
    written = 0
    for start, piece in pieces:
        place = round(heard_s(start) * SAMPLE_RATE)
        if place > written + _TOLERANCE:
            yield from _silence(place - written)
            written = place
        elif place < written - _TOLERANCE:
            piece = piece[written - place :]
        if len(piece):
            yield piece
            written += len(piece)


def together(sounds: Iterable[Iterator[Pcm]]) -> Iterator[Pcm]:
    """Mix several sounds, each as loud as it is alone, up to the end of the longest."""
    nothing = np.zeros(0, np.int16)
    for blocks in zip_longest(*(_even(sound) for sound in sounds), fillvalue=nothing):
        total = np.zeros(max(len(block) for block in blocks), np.int32)
        for block in blocks:
            total[: len(block)] += block
        yield np.clip(total, -32_768, 32_767).astype(np.int16)


def _even(blocks: Iterator[Pcm]) -> Iterator[Pcm]:
    """Cut a sound into blocks of one second, except the last."""
    held: list[Pcm] = []
    length = 0
    for block in blocks:
        held.append(block)
        length += len(block)
        while length >= SAMPLE_RATE:
            joined = np.concatenate(held)
            yield joined[:SAMPLE_RATE]
            held, length = [joined[SAMPLE_RATE:]], length - SAMPLE_RATE
    if length:
        yield np.concatenate(held)


def _silence(samples: int) -> Iterator[Pcm]:
    for at in range(0, samples, _MOST_SILENCE):
        yield np.zeros(min(_MOST_SILENCE, samples - at), np.int16)
