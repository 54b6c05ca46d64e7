"""What the mixer gives is recognised: at any level, beside any noise, and never without speech."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from rapidfuzz.distance import LCSseq

from tests.support.sounds.mixes import Pcm, factor, mix, speech
from tests.support.sounds.without_speech import CLIPS, Clip
from tests.support.speech import speech_models
from worker.recogniser import EMPTY_REQUEST


def words(pcm: Pcm) -> list[str]:
    recogniser = speech_models.recogniser()
    detector = recogniser.voice_activity()
    spans = detector.feed(pcm) + detector.finish()
    if not spans:
        return []
    heard = recogniser.recognise([pcm[span.start : span.end] for span in spans], EMPTY_REQUEST)
    return [word.word for each in heard for word in each.words]


@cache
def said() -> list[str]:
    found = words(mix(speech(), integer=True)[0])
    assert len(found) == 150
    return found


def at_24_bits(sound: np.ndarray) -> np.ndarray:
    return (np.rint(sound * 2**23) / 2**23).astype(np.float32)


LEVELS = {
    "float at +40 dB": speech() * factor(40),
    "float at +30 dB": speech() * factor(30),
    "float at -31 dB": speech() * factor(-31),
    "float at -60 dB": speech() * factor(-60),
    "24 bits at -60 dB": at_24_bits(speech() * factor(-60)),
}


@pytest.mark.parametrize("level", LEVELS)
def test_no_level_loses_a_word(level: str) -> None:
    assert words(mix(LEVELS[level])[0]) == said()


@pytest.mark.parametrize("beside", ["inverted", "white noise", "mains hum", "fan", "engine"])
def test_no_other_channel_hides_a_word(beside: str) -> None:
    other = -speech() if beside == "inverted" else Clip(beside, -8, 48.2).sound()
    assert words(mix([speech(), other])[0]) == said()


def test_a_faint_microphone_beside_music_is_heard() -> None:
    found = words(mix(Clip("music", -6, 48.2).sound(), speech() * factor(-30))[0])
    assert LCSseq.similarity(found, said()) >= 145


LIVELY = ("clicks", "keyboard", "doors and steps", "beeps", "music", "birds", "rain")
"""Sounds that the bundled model takes for words at some level, mixed or not."""


def test_noise_that_is_taken_for_no_words_still_is_not() -> None:
    clips = [clip for clip in CLIPS if clip.kind not in LIVELY or clip.peak_dbfs <= -80]
    assert len(clips) >= 40
    assert {clip.name: found for clip in clips if (found := words(mix(clip.sound())[0]))} == {}
