"""The voice of each speaker of a recording, from those of the groups that its pieces are in."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from shared.speakers.kept.vectors import Vector, packed, weighted_sum
from shared.speakers.speaker_assignment import SHORTEST_SAMPLES
from shared.speakers.voice_map import VoiceMap
from shared.transcripts.values import SAMPLE_RATE, Sentence

_PURE_PERCENT = 80
"""Percent of the speech of a group that is one speaker's at least. Where it is less, two people
share the group, and its voice is nobody's."""


@dataclass(frozen=True, slots=True)
class SpeakerVoice:
    """Voice of a recording's speaker, and the seconds of speech it was computed from."""

    vector: bytes
    """Vector as `vectors.packed` gives it."""
    seconds: float


def voices_of_speakers(
    voice_map: VoiceMap,
    groups: Sequence[Vector],
    sentences: Sequence[Sentence],
    speakers: Sequence[int | None],
) -> dict[int, SpeakerVoice]:
    """The voice of each speaker who says anything that a voice is known by.

    `groups` are the voices of the map's groups, and `speakers` whose each sentence is; sentences
    are in the order of time. A piece is whoever's sentence its middle lies in.
    """
    spoken: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    starts = [round(sentence.start * SAMPLE_RATE) for sentence in sentences]
    ends = [round(sentence.end * SAMPLE_RATE) for sentence in sentences]
    for piece in voice_map.pieces:
        samples = piece.end_sample - piece.start_sample
        if samples < SHORTEST_SAMPLES:
            continue
        middle = (piece.start_sample + piece.end_sample) // 2
        near = range(max(0, bisect_left(ends, middle) - 1), bisect_right(starts, middle))
        within = next((n for n in near if starts[n] <= middle <= ends[n]), None)
        speaker = None if within is None else speakers[within]
        spoken[piece.group][0 if speaker is None else speaker] += samples
    of_speaker: dict[int, list[tuple[int, Vector]]] = defaultdict(list)
    for group, said in sorted(spoken.items()):
        most = max(said, key=lambda one: (said[one], -one))
        if most and 100 * said[most] >= _PURE_PERCENT * sum(said.values()):
            of_speaker[most].append((said[most], groups[group]))
    return {
        speaker: SpeakerVoice(
            packed(weighted_sum(parts)),
            round(sum(samples for samples, _vector in parts) / SAMPLE_RATE, 1),
        )
        for speaker, parts in sorted(of_speaker.items())
    }
