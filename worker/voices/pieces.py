"""Cutting recognised speech into pieces of one voice each, and hearing that voice.

A span of speech often holds two people who do not pause between them for as long as voice activity
asks, but often draw breath: it is cut where two words stand apart, and what is still long where
they stand apart a little, for the other person may hardly have waited. Each piece is heard in
windows of one length, so that the encoder's result for a piece depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shared.transcripts.values import SAMPLE_RATE, Word
from worker.recogniser import Pcm, RecognisedSpan
from worker.speaker_encoder import VECTOR_SIZE, WINDOW_SAMPLES, SpeakerEncoder

HOP = WINDOW_SAMPLES // 2

_GAP_S = 0.15
"""A pause between two words from which another person may speak next."""
_LONGEST_MS = 2_000
"""Longer pieces are cut. Of words in quick turns of four synthesised voices, 60 to 300 ms apart,
80 % went to the right one without; 95 % with even pieces of 3 s, 97 % with 2 s, no more with
1.5 s; and 99 % where the cuts lie in the pauses."""
_SURE_MS = 1_000
"""Milliseconds below which a piece says too little to found a speaker, see
`shared.speakers.speaker_assignment`."""
_LEAST_PAUSE_MS, _MOST_PAUSE_MS = 40, 150
"""Shortest pause, since recognised times are no finer, and longest that counts."""
_SHORTENED, _PAUSED = 20_000, 80_000
"""Cost of a piece for each millisecond below `_SURE_MS`, and worth of a cut for each one of its
pause, in square milliseconds. A piece costs `_LONGEST_MS` squared and its own length squared:
without pauses the fewest and most even pieces cost least. docs/speakers.md says how they were
chosen."""
_MARGIN_S = 0.04
"""Seconds of a piece before its first word and after its last: times of words are that exact."""
_SHORTEST = SAMPLE_RATE // 5
"""Samples of a piece; less says nothing of a voice, and its words go by the pieces beside it."""

_LARGEST = 127

PIECE = np.dtype([("start", "<i8"), ("end", "<i8"), ("voice", "i1", (VECTOR_SIZE,))])
"""A piece as it is stored: samples [start, end) of the recording, and its voice, a unit vector in
steps of 1/127."""

Pieces = NDArray[np.void]
"""Pieces of the type `PIECE`, in order of time."""


def hear_voices(
    speech: Sequence[Pcm], results: Sequence[RecognisedSpan], encoder: SpeakerEncoder
) -> list[Pieces]:
    """The pieces of each span, with samples counted from the start of the span."""
    cuts = [cut_to_pieces(len(pcm), said.words) for pcm, said in zip(speech, results, strict=True)]
    windows: list[Pcm] = []
    counts: list[int] = []
    for pcm, cut in zip(speech, cuts, strict=True):
        for start, end in cut:
            of_piece = windows_of(pcm[start:end])
            windows += of_piece
            counts.append(len(of_piece))
    voices = iter(_means(encoder.embed(windows), counts))
    found = []
    for cut in cuts:
        pieces = np.zeros(len(cut), PIECE)
        for piece, (start, end) in zip(pieces, cut, strict=True):
            piece["start"], piece["end"], piece["voice"] = start, end, next(voices)
        found.append(pieces)
    return found


def cut_to_pieces(samples: int, words: Sequence[Word]) -> list[tuple[int, int]]:
    """Samples [start, end) of the pieces of a span, whose `words` have times from its start. None
    where nothing is said: a noise is nobody's voice."""
    pieces: list[tuple[int, int]] = []
    # From the first word on: what comes before it is breath or noise as often as not.
    for stretch in _stretches(words):
        start, end = max(0.0, stretch[0].start - _MARGIN_S), stretch[-1].end + _MARGIN_S
        edges = [start, *_cuts(stretch), end]
        pieces += pairwise(min(samples, round(edge * SAMPLE_RATE)) for edge in edges)
    return [(start, end) for start, end in pieces if end - start >= _SHORTEST]


def _stretches(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Words between two pauses."""
    first = 0
    for at, (word, following) in enumerate(pairwise(words), start=1):
        if following.start - word.end >= _GAP_S:
            yield words[first:at]
            first = at
    if words:
        yield words[first:]


def _cuts(words: Sequence[Word]) -> list[float]:
    """Times, in seconds, at which words without a long pause are cut: between two words each time,
    so that all pieces together cost least."""
    middles = [(word.end + following.start) / 2 for word, following in pairwise(words)]
    edges = [round(1000 * at) for at in (words[0].start, *middles, words[-1].end)]
    cheapest, began = [0], [0]
    for last in range(1, len(edges)):
        first = last - 1
        best, origin = cheapest[first] + _cost(edges[last] - edges[first]), first
        while first > 0 and edges[last] - edges[first - 1] <= _LONGEST_MS:
            first -= 1
            cost = cheapest[first] + _cost(edges[last] - edges[first])
            if cost < best:
                best, origin = cost, first
        worth = _worth(words[last - 1], words[last]) if last < len(words) else 0
        cheapest.append(best - worth)
        began.append(origin)
    cuts = []
    at = began[-1]
    while at:
        cuts.append(middles[at - 1])
        at = began[at]
    return cuts[::-1]


def _cost(milliseconds: int) -> int:
    """Cost of a piece of this length, see `_SHORTENED`."""
    short = max(0, _SURE_MS - milliseconds)
    return _LONGEST_MS**2 + milliseconds**2 + _SHORTENED * short


def _worth(word: Word, following: Word) -> int:
    """Worth of a cut between two words, by the pause there."""
    pause = min(_MOST_PAUSE_MS, round(1000 * (following.start - word.end)))
    return _PAUSED * max(0, pause - _LEAST_PAUSE_MS)


def windows_of(pcm: Pcm) -> list[Pcm]:
    """Windows of WINDOW_SAMPLES that cover a piece, HOP apart at most; a piece that is shorter is
    said again and again."""
    if len(pcm) <= WINDOW_SAMPLES:
        return [np.resize(pcm, WINDOW_SAMPLES)]
    steps = -(-(len(pcm) - WINDOW_SAMPLES) // HOP)
    starts = [round((len(pcm) - WINDOW_SAMPLES) * step / steps) for step in range(steps + 1)]
    return [pcm[start : start + WINDOW_SAMPLES] for start in starts]


def _means(voices: NDArray[np.float32], counts: Sequence[int]) -> list[NDArray[np.int8]]:
    """The mean voice of each piece's windows, [VECTOR_SIZE] in steps of 1/127."""
    means, at = [], 0
    for count in counts:
        mean = voices[at : at + count].astype(np.float64).sum(axis=0)
        mean /= max(float(np.linalg.norm(mean)), 1e-9)
        means.append(np.rint(mean * _LARGEST).astype(np.int8))
        at += count
    return means
