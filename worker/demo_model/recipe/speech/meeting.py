"""Whole meetings: the bundled sample, and recordings of any length for benchmarks.

A reference is {"duration", "sentences": [{"speaker", "start", "end", "text",
"words": [{"word", "start", "end"}]}]}, in seconds, with the synthesiser's own times.
"""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from worker.demo_model.recipe.language.grammar import template_sentence
from worker.demo_model.recipe.language.held_out import SAMPLE_SCRIPT
from worker.demo_model.recipe.speech.synthesis import SAMPLE_RATE, Speech, synthesise

SPEAKERS: dict[str, dict[str, Any]] = {
    "A": {"voice": "cmn+m3", "rate": 175, "pitch": 40},
    "B": {"voice": "cmn+f2", "rate": 165, "pitch": 60},
    "C": {"voice": "cmn+m7", "rate": 185, "pitch": 50},
    "D": {"voice": "cmn+f4", "rate": 170, "pitch": 65},
}
BANK = 240  # sentences that a long meeting is put together from: 20 minutes of speech
# Peak of each sentence, and standard deviation of the room's noise. The sample is a quieter
# recording in a quieter room, because FLAC stores both dearly.
_LOUD, _ROOM = 0.5, 0.0015
_SOFT, _QUIET_ROOM = 0.3, 0.0002

Reference = dict[str, Any]


def make_meeting(seconds: float, seed: int) -> tuple[np.ndarray, Reference]:
    """A meeting of sentences from the templates: float32 audio at 16 kHz, shape
    [seconds * 16000], and its reference. Long ones repeat the sentences of a bank in other orders,
    so that three hours take seconds to make."""
    rng = random.Random(seed)
    needed = min(BANK, int(seconds / 3) + 1)
    speakers = [rng.choice(list(SPEAKERS)) for _ in range(needed)]
    bank = [
        (speaker, synthesise(template_sentence(rng), **SPEAKERS[speaker])) for speaker in speakers
    ]
    track = _Track(int(seconds * SAMPLE_RATE), _LOUD, _ROOM, seed)
    while True:
        order = rng.sample(bank, len(bank))
        for speaker, speech in order:
            if not track.say(speaker, speech, pause=rng.uniform(0.35, 1.6)):
                return track.finish()


def sample_meeting(seed: int = 2026) -> tuple[np.ndarray, Reference]:
    """The bundled meeting: SAMPLE_SCRIPT spoken by four voices, with pauses as in conversation."""
    rng = random.Random(seed)
    spoken = [(who, synthesise(text, **SPEAKERS[who])) for who, text in SAMPLE_SCRIPT]
    pauses, before = [], ""
    for who, _ in spoken:
        # The same voice goes on sooner than another one takes over.
        pauses.append(rng.uniform(0.35, 0.8) if who == before else rng.uniform(0.6, 1.5))
        before = who
    seconds = sum(pauses) + sum(speech.duration for _, speech in spoken) + 1
    track = _Track(int(seconds * SAMPLE_RATE), _SOFT, _QUIET_ROOM, seed)
    for (who, speech), pause in zip(spoken, pauses, strict=True):
        track.say(who, speech, pause)
    return track.finish()


def write_sample(audio_path: Path, reference_path: Path) -> None:
    """Write the sample meeting: FLAC, 16 bit, mono, and its reference as JSON."""
    audio, reference = sample_meeting()
    soundfile.write(audio_path, audio, SAMPLE_RATE, subtype="PCM_16", compression_level=1.0)
    text = json.dumps(reference, ensure_ascii=False, indent=1)
    reference_path.write_text(text + "\n", encoding="utf-8")


class _Track:
    """Audio of fixed length over room noise, filled from the left."""

    def __init__(self, samples: int, peak: float, room: float, seed: int) -> None:
        self._peak = peak
        generator = np.random.default_rng(seed)
        self._audio = generator.standard_normal(samples, dtype=np.float32)
        self._audio *= room
        self._position = 0  # samples
        self._sentences: list[dict[str, Any]] = []

    def say(self, speaker: str, speech: Speech, pause: float) -> bool:
        """Add one sentence after a pause in seconds; False, and nothing, if it does not fit."""
        first = self._position + int(pause * SAMPLE_RATE)
        last = first + len(speech.audio)
        if last > len(self._audio):
            return False
        self._audio[first:last] += speech.audio * (self._peak / np.abs(speech.audio).max())
        offset = first / SAMPLE_RATE
        words = [
            {
                "word": word.word,
                "start": round(offset + word.start, 3),
                "end": round(offset + word.end, 3),
            }
            for word in speech.words
        ]
        self._sentences.append(
            {
                "speaker": speaker,
                "start": words[0]["start"],
                "end": words[-1]["end"],
                "text": speech.text,
                "words": words,
            }
        )
        self._position = last
        return True

    def finish(self) -> tuple[np.ndarray, Reference]:
        duration = len(self._audio) / SAMPLE_RATE
        return self._audio, {"duration": round(duration, 3), "sentences": self._sentences}
