"""Suggestions of kept voices for the speakers of a recording."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from shared.speakers.kept.vectors import Vector, likeness
from shared.speakers.voice_map import FARTHEST

LEAST_SPEECH_S = 8.0
"""Seconds of speech that a voice is kept from, and compared with others from."""

MARGIN = 40
"""Thousandths of the cosine by which a voice must be liker than the second: for the speaker than
every other voice, and for the voice than every other speaker."""

_NEARER = 2.5
"""Means of much speech are nearer to each other than the pieces that an encoder's threshold is
for: two are one voice where they are so many times as near. A name that is wrong costs more than
one that nobody suggests: of meetings of 31 voices, 96 % of the people are found and nobody else."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A speaker who may be the person of a kept voice; `likeness` in thousandths of the cosine."""

    speaker: int
    voice_id: str
    likeness: int


def least_likeness(threshold: int) -> int:
    """Thousandths of the cosine from which a voice is suggested; `threshold` is the distance of the
    encoder (`VoiceMap`).

    >>> least_likeness(48)  # of the bundled encoder
    849
    """
    return round(1000 - 2000 * threshold / (_NEARER * FARTHEST))


def suggest(
    speakers: Mapping[int, Vector],
    kept: Mapping[str, Vector],
    barred: Collection[tuple[int, str]],
    least: int,
) -> list[Suggestion]:
    """Suggest at most one voice for a speaker and one speaker for a voice, in the order of
    speakers.

    Both are each other's likest, by MARGIN, and at least as like as `least`. Pairs that are barred
    count for nothing: it is known that they are not one person. The result does not depend on the
    order of what is given.
    """
    found = {
        speaker: {
            voice_id: likeness(vector, other)
            for voice_id, other in kept.items()
            if (speaker, voice_id) not in barred
        }
        for speaker, vector in sorted(speakers.items())
    }
    suggestions = []
    for speaker, of_voices in found.items():
        for voice_id, alike in of_voices.items():
            if alike < least:
                continue
            beside = [other for name, other in of_voices.items() if name != voice_id]
            beside += [
                others[voice_id]
                for number, others in found.items()
                if number != speaker and voice_id in others
            ]
            if alike - max(beside, default=-1000) >= MARGIN:
                suggestions.append(Suggestion(speaker, voice_id, alike))
    return suggestions
