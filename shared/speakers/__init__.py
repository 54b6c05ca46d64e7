"""Speakers of a recording: from the distances between voices to a speaker's number for each word.

The worker hears the voices and stores a `VoiceMap` of a job; `cut` numbers its pieces, again
whenever a person asks for another number of speakers. Whole numbers throughout, so that every
process on every machine finds the same.
"""

from shared.speakers.requested_speaker_count import AUTOMATIC, MOST_SPEAKERS, SpeakerCount
from shared.speakers.speaker_assignment import cut
from shared.speakers.voice_map import MOST_GROUPS, VoiceMap, VoicePiece
from shared.speakers.words import speakers_of_words

__all__ = [
    "AUTOMATIC",
    "MOST_GROUPS",
    "MOST_SPEAKERS",
    "SpeakerCount",
    "VoiceMap",
    "VoicePiece",
    "cut",
    "speakers_of_words",
]
