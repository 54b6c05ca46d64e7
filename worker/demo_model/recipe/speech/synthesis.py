"""Speech from espeak-ng, called through ctypes, with the times of its own words.

The library and its voices come from the PyPI package espeakng-loader (espeak-ng 1.52). Debian's
1.51 reads Hanzi as English letters in Mandarin, and the command-line program tells no word times.
"""

import ctypes
import functools
import random
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypedDict

import espeakng_loader
import numpy as np
import soxr

from worker.demo_model.recipe.language.grammar import tokenise, words_of

SAMPLE_RATE = 16_000  # Hz, that of every network here
VOICES = ("cmn", *(f"cmn+m{n}" for n in range(1, 8)), *(f"cmn+f{n}" for n in range(1, 6)))

_ENVELOPE = SAMPLE_RATE // 100  # samples in a step of the loudness envelope, 10 ms
_AUDIBLE = 0.02  # of the utterance's peak; below it espeak-ng's decays are silence
_PAUSE = 0.060  # s; a shorter gap between tokens is a stop consonant, not a pause

# Constants of espeak-ng's speak_lib.h.
_SYNCHRONOUS, _CHARACTERS_UTF8, _POSITION_CHARACTER, _EVENT_WORD = 2, 1, 1, 1
_RATE, _PITCH, _PITCH_RANGE = 1, 3, 4


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("string", ctypes.c_char * 8),
    ]


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Espeak:
    """The one instance that the library can be: its voice and buffers are global state."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = str(_data[-1])
        self.sample_rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), 0)
        if self.sample_rate <= 0:
            raise OSError(f"espeak-ng could not start with the data in {data}")
        # The breath of some voices is random, and seeded by the clock. The oscillators' phases also
        # run on from one utterance to the next: the same audio comes of the same calls from start.
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        self._phonemes = self._library.espeak_TextToPhonemes
        self._phonemes.restype = ctypes.c_char_p
        self._audio: list[np.ndarray] = []
        self._starts: dict[int, float] = {}
        self._callback = _CALLBACK(self._receive)  # kept: the library holds only its address
        self._library.espeak_SetSynthCallback(self._callback)
        self._voice = ""

    def _receive(
        self,
        samples: "ctypes._Pointer[ctypes.c_short]",
        count: int,
        events: "ctypes._Pointer[_Event]",
    ) -> int:
        if samples and count > 0:
            self._audio.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        index = 0
        while events[index].type:
            event = events[index]
            if event.type == _EVENT_WORD:
                self._starts[event.text_position - 1] = event.audio_position / 1000
            index += 1
        return 0

    def speak(
        self, text: str, voice: str, rate: int, pitch: int, pitch_range: int
    ) -> tuple[np.ndarray, dict[int, float]]:
        if voice != self._voice:
            if self._library.espeak_SetVoiceByName(voice.encode()):
                raise ValueError(f"espeak-ng has no voice {voice!r}")
            self._voice = voice
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_PITCH_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._audio, self._starts = [], {}
        data = text.encode() + b"\0"
        self._library.espeak_Synth(
            data, len(data), 0, _POSITION_CHARACTER, 0, _CHARACTERS_UTF8, None, None
        )
        self._library.espeak_Synchronize()
        audio = np.concatenate(self._audio).astype(np.float32) / 32768
        return audio, self._starts

    def phonemes(self, text: str, voice: str) -> str:
        if voice != self._voice:
            self._library.espeak_SetVoiceByName(voice.encode())
            self._voice = voice
        buffer = ctypes.create_string_buffer(text.encode())
        rest = ctypes.c_void_p(ctypes.addressof(buffer))
        found: bytes = self._phonemes(ctypes.byref(rest), _CHARACTERS_UTF8, 0)
        return found.decode()


_data = [Path(espeakng_loader.get_data_path())]
"""espeak-ng's own folder of languages and voices, then those to use instead."""


@functools.cache
def _espeak() -> _Espeak:
    return _Espeak()


def use_data(folder: Path) -> None:
    """Speak with the languages and voices in `folder`; only before anything is spoken."""
    if _espeak.cache_info().currsize:
        raise RuntimeError("espeak-ng has started already")
    _data.append(folder)


@dataclass(frozen=True)
class Word:
    """A Hanzi or an English term, in seconds from the start of its audio."""

    word: str
    start: float
    end: float


@dataclass(frozen=True)
class Speech:
    """Synthesised utterance: audio, float32 at 16 kHz, shape [samples]; tokens and their times in
    s."""

    text: str
    audio: np.ndarray
    tokens: tuple[str, ...]
    starts: tuple[float, ...]
    ends: tuple[float, ...]

    @property
    def duration(self) -> float:
        return len(self.audio) / SAMPLE_RATE

    @property
    def words(self) -> tuple[Word, ...]:
        """Tokens joined to words: the letters of an acronym share one time."""
        found, first = [], 0
        for word in words_of(self.text):
            last = first + len(tokenise(word)) - 1
            found.append(Word(word, self.starts[first], self.ends[last]))
            first = last + 1
        return tuple(found)


def synthesise(
    text: str, voice: str = "cmn", rate: int = 170, pitch: int = 50, pitch_range: int = 50
) -> Speech:
    """Speak one text of the grammar. rate: words a minute; pitch and range: 0 to 100."""
    raw, starts = _espeak().speak(text, voice, rate, pitch, pitch_range)
    audio = soxr.resample(raw, _espeak().sample_rate, SAMPLE_RATE).astype(np.float32)
    return Speech(text, audio, *_token_times(text, audio, starts))


class Voice(TypedDict):
    """Arguments of synthesise()."""

    voice: str
    rate: int
    pitch: int
    pitch_range: int


def phonemes(text: str) -> str:
    """Phonemes of a text as the Mandarin voice says it, in espeak-ng's own letters, with tones."""
    return _espeak().phonemes(text, "cmn")


def random_voice(rng: random.Random) -> Voice:
    """Draw any voice, 130 to 225 words a minute."""
    return {
        "voice": rng.choice(VOICES),
        "rate": rng.randint(130, 225),
        "pitch": rng.randint(25, 80),
        "pitch_range": rng.randint(30, 70),
    }


def _token_times(
    text: str, audio: np.ndarray, word_starts: dict[int, float]
) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
    """Tokens, starts and ends in s. espeak-ng reports where words start; the rest is read off the
    loudness: tokens that share one event divide its audible part evenly, and a token ends where
    the next one starts unless a pause lies between."""
    tokens = tokenise(text)
    steps = len(audio) // _ENVELOPE
    envelope = np.abs(audio[: steps * _ENVELOPE]).reshape(steps, _ENVELOPE).max(axis=1)
    audible = envelope > _AUDIBLE * envelope.max()

    def audible_end(start: float, end: float) -> float:
        first = int(start * 100)
        heard = np.flatnonzero(audible[first : max(int(end * 100), first + 1)])
        return (first + int(heard[-1]) + 1) / 100 if len(heard) else end

    bounds: list[float | None] = [
        word_starts.get(token.position) if token.index == 0 else None for token in tokens
    ]
    bounds[0] = bounds[0] or 0.0
    bounds.append(audible_end(0.0, steps / 100))
    known = [(index, bound) for index, bound in enumerate(bounds) if bound is not None]
    starts = []
    for (left, start), (right, following) in pairwise(known):
        step = (audible_end(start, following) - start) / (right - left)
        starts += [start + step * (index - left) for index in range(left, right)]
    ends = []
    for start, following in pairwise([*starts, known[-1][1]]):
        end = audible_end(start, following)
        ends.append(following if following - end < _PAUSE else end)
    return tuple(token.text for token in tokens), tuple(starts), tuple(ends)
