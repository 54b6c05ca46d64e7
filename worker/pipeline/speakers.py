"""Speaker of each word of a recording, from the voices that came with its words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from shared.jobs import RecognisedSegment
from shared.speakers import SpeakerCount, VoiceMap, cut, speakers_of_words
from shared.transcripts.values import Word
from worker.pipeline.attempt import Attempt
from worker.speaker_encoder import distance
from worker.voices.make_voice_map import group, voices_of_groups
from worker.voices.pieces import PIECE


class Voices(NamedTuple):
    """Voices of a recording."""

    map: VoiceMap
    of_groups: bytes
    """Voices as `voices_of_groups` gives them."""


def map_voices(attempt: Attempt, segments: Sequence[RecognisedSegment]) -> Voices | None:
    """Group the pieces of all segments by their voices; None where the job does not ask."""
    encoder = attempt.encoder
    if encoder is None:
        return None
    attempt.liveness.note_progress()
    pieces = np.frombuffer(b"".join(segment.voices or b"" for segment in segments), PIECE)
    vectors, starts, ends = pieces["voice"], pieces["start"].tolist(), pieces["end"].tolist()
    voice_map = group(
        vectors,
        starts,
        ends,
        encoder=encoder.revision,
        threshold=distance(encoder.same_voice_cosine),
    )
    return Voices(voice_map, voices_of_groups(vectors, starts, ends, voice_map))


def who_speaks(
    words: Sequence[Word], voice_map: VoiceMap | None, wanted: SpeakerCount | None
) -> list[int | None] | None:
    """The number of each word's speaker, from 1; None where the job does not ask."""
    if voice_map is None or wanted is None:
        return None
    times = [(word.start, word.end) for word in words]
    return speakers_of_words(times, voice_map.pieces, cut(voice_map, wanted))
