"""Division of a voice map's pieces among speakers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isqrt

from shared.speakers.find_speakers import find_speakers
from shared.speakers.requested_speaker_count import AUTOMATIC, SpeakerCount
from shared.speakers.viterbi_turns import PAUSE_SAMPLES, Heard, take_turns
from shared.speakers.voice_map import FARTHEST, VoiceMap, VoicePiece
from shared.transcripts.values import SAMPLE_RATE

SHORTEST_SAMPLES = SAMPLE_RATE * 4 // 10
"""A piece of less says too little about its voice: it goes to whoever speaks nearest to it."""

_SURE = 100
"""Hundredths of a second from which a group's voice is sure enough to found a speaker."""


def cut(voice_map: VoiceMap, wanted: SpeakerCount = AUTOMATIC) -> list[int | None]:
    """The speaker of each piece, numbered from 1 by first appearance.

    None for all of them where no piece is long enough to know a voice by. The same for the same
    map and number, on every machine.
    """
    long = [piece for piece in voice_map.pieces if _samples(piece) >= SHORTEST_SAMPLES]
    if not long:
        return [None] * len(voice_map.pieces)
    matrix = voice_map.matrix()
    speech = [0] * len(matrix)
    for piece in long:
        speech[piece.group] += max(1, 100 * _samples(piece) // SAMPLE_RATE)
    founding = _founding(speech, wanted)
    clusters = find_speakers(
        [[matrix[one][other] for other in founding] for one in founding],
        [speech[group] for group in founding],
        _beside(long, founding),
        voice_map.threshold,
        wanted,
    )
    differences = _differences(
        matrix, speech, [[founding[member] for member in cluster] for cluster in clusters]
    )
    turns = take_turns(
        [Heard(piece.start_sample, piece.end_sample, differences[piece.group]) for piece in long]
    )
    return _number(_with_short_ones(voice_map.pieces, turns))


def _samples(piece: VoicePiece) -> int:
    return piece.end_sample - piece.start_sample


def _founding(speech: Sequence[int], wanted: SpeakerCount) -> list[int]:
    """The groups that speakers are found in: those with a second of speech, where they hold half of
    it and are as many as the speakers that must be found; else all that were heard."""
    heard = [group for group, weight in enumerate(speech) if weight]
    sure = [group for group in heard if speech[group] >= _SURE]
    enough = 2 * sum(speech[group] for group in sure) >= sum(speech)
    return sure if enough and len(sure) >= wanted.bounds[0] else heard


def _beside(pieces: Sequence[VoicePiece], founding: Sequence[int]) -> list[list[int]]:
    """Matrix (groups, groups): how often pieces of two founding groups follow each other without a
    pause, as `Clusters` takes it."""
    place = {group: n for n, group in enumerate(founding)}
    rows = [[0] * len(founding) for _ in founding]
    for before, piece in pairwise(pieces):
        is_near = piece.start_sample - before.end_sample < PAUSE_SAMPLES
        if is_near and before.group in place and piece.group in place:
            one, other = place[before.group], place[piece.group]
            rows[one][other] += 1
            rows[other][one] += 1
    return rows


def _differences(
    matrix: Sequence[Sequence[int]], speech: Sequence[int], clusters: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Thousandths of 1 - cosine between each group and each speaker's mean, [groups][speakers].

    A product of two vectors is 1 - 2 * distance / FARTHEST, so the products with a mean, and its
    own length, are known from the distances to all that it is the mean of.
    """
    columns = []
    for cluster in clusters:
        weight = sum(speech[group] for group in cluster)
        far = [sum(speech[member] * row[member] for member in cluster) for row in matrix]
        within = sum(speech[member] * far[member] for member in cluster)
        # Both sides of the cosine, times FARTHEST * weight.
        length = isqrt(max(1, FARTHEST * (FARTHEST * weight * weight - 2 * within)))
        columns.append(
            [1000 * (length - FARTHEST * weight + 2 * distance) // length for distance in far]
        )
    return [list(row) for row in zip(*columns, strict=True)]


def _with_short_ones(pieces: Sequence[VoicePiece], turns: Sequence[int]) -> list[int]:
    """Give each piece that is too short the speaker of the nearest long one; of two that are
    equally near, the one before."""
    speakers: list[int] = []
    waiting: list[VoicePiece] = []
    before: tuple[VoicePiece, int] | None = None
    turn = iter(turns)
    for piece in pieces:
        if _samples(piece) < SHORTEST_SAMPLES:
            waiting.append(piece)
            continue
        after = (piece, next(turn))
        speakers += [_nearer(short, before, after) for short in waiting]
        speakers.append(after[1])
        before, waiting = after, []
    if before is not None:
        speakers += [before[1]] * len(waiting)
    return speakers


def _nearer(
    short: VoicePiece, before: tuple[VoicePiece, int] | None, after: tuple[VoicePiece, int]
) -> int:
    if before is None:
        return after[1]
    since = short.start_sample - before[0].end_sample
    until = after[0].start_sample - short.end_sample
    return before[1] if since <= until else after[1]


def _number(speakers: Sequence[int]) -> list[int | None]:
    numbers: dict[int, int] = {}
    return [numbers.setdefault(speaker, len(numbers) + 1) for speaker in speakers]
