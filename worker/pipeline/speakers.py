"""Who speaks each word of a recording, from the voices that came with its words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shared.jobs import RecognisedSegment
from shared.speakers import VoiceMap, Wanted, cut, speakers_of_words
from shared.transcripts.values import Word
from worker.pipeline.attempt import Attempt
from worker.speaker_encoder import distance
from worker.voices.group_pieces import group
from worker.voices.pieces import PIECE


def map_voices(attempt: Attempt, segments: Sequence[RecognisedSegment]) -> VoiceMap | None:
    """Group the pieces of all segments by their voices; None where the job does not ask."""
    encoder = attempt.encoder
    if encoder is None:
        return None
    attempt.liveness.note_progress()
    pieces = np.frombuffer(b"".join(segment.voices or b"" for segment in segments), PIECE)
    return group(
        pieces["voice"],
        pieces["start"].tolist(),
        pieces["end"].tolist(),
        encoder=encoder.revision,
        threshold=distance(encoder.same_voice_cosine),
    )


def who_speaks(
    words: Sequence[Word], voice_map: VoiceMap | None, wanted: Wanted | None
) -> list[int | None] | None:
    """The number of each word's speaker, from 1; None where the job does not ask."""
    if voice_map is None or wanted is None:
        return None
    times = [(word.start, word.end) for word in words]
    return speakers_of_words(times, voice_map.pieces, cut(voice_map, wanted))
