"""Training data of the speaker encoder: utterances of known people, in rooms and in noise."""

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from funasr.utils.fbank import fbank
from scipy.signal import fftconvolve

from worker.demo_model.recipe.language import grammar
from worker.demo_model.recipe.speech.corpus import noise
from worker.demo_model.recipe.speech.synthesis import SAMPLE_RATE, Voice, synthesise, use_data
from worker.demo_model.recipe.voices.identities import identities, write_data
from worker.demo_model.speaker_tdnn import MEL_BINS

log = logging.getLogger(__name__)

UTTERANCES = 36  # of each person to learn from
TRIALS = 24  # of each person to measure with
SHORTEST, LONGEST = 1.7, 7.0  # s; what is longer is cut off


@dataclass(frozen=True)
class Utterances:
    """Utterances of a group of people."""

    frames: list[torch.Tensor]
    """Float16 [frames, MEL_BINS] each: logarithms, one each 10 ms, their mean not taken off."""
    speakers: list[int]
    """Number of each utterance's speaker, from 0."""
    voices: list[str]
    """Name of each speaker's voice."""


def features(audio: np.ndarray) -> torch.Tensor:
    """Compute features as FunASR does for CAM++, before it subtracts the mean: [frames,
    MEL_BINS]."""
    frames: torch.Tensor = fbank(torch.from_numpy(audio)[None], num_mel_bins=MEL_BINS)
    return frames


def reverberated(
    audio: np.ndarray, decay_s: float, direct_db: float, generator: np.random.Generator
) -> np.ndarray:
    """Put a voice into a room whose echo falls by 60 dB in `decay_s`, all of it `direct_db` below
    the voice."""
    count = int(decay_s * SAMPLE_RATE)
    echo = generator.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    echo[: SAMPLE_RATE // 500] = 0
    echo *= 10 ** (-direct_db / 20) / np.sqrt((echo**2).sum())
    echo[0] = 1
    heard: np.ndarray = fftconvolve(audio, echo)[: len(audio)].astype(np.float32)
    return heard


def noisy(
    audio: np.ndarray, below_db: float, rng: random.Random, generator: np.random.Generator
) -> np.ndarray:
    """Add noise `below_db` under what is heard of the voice, pauses left out."""
    heard = audio[np.abs(audio) > 0.02 * np.abs(audio).max()]
    level = np.sqrt((heard**2).mean()) * 10 ** (-below_db / 20)
    with_noise: np.ndarray = audio + noise(len(audio), rng, generator) * np.float32(level)
    return with_noise


def spoken(voice: Voice, rng: random.Random) -> np.ndarray:
    """A person never says two sentences quite alike: pitch and pace move. Float32 [samples]."""
    text = rng.choice((grammar.template_sentence, grammar.free_sentence, grammar.word_sequence))
    speech = synthesise(
        text(rng),
        voice["voice"],
        int(voice["rate"] * rng.uniform(0.88, 1.14)),
        voice["pitch"] + rng.randint(-6, 6),
        voice["pitch_range"] + rng.randint(-12, 12),
    )
    audio = speech.audio[: int(LONGEST * SAMPLE_RATE)]
    loudness = rng.uniform(0.2, 0.7) / max(1e-3, float(np.abs(audio).max()))
    return audio * np.float32(loudness)


def utterances(people: Sequence[Voice], each: int, seed: int, *, is_training: bool) -> Utterances:
    """Synthesise `each` utterances of each person: for training in rooms and noise, else nearly
    clean."""
    rng, generator = random.Random(seed), np.random.default_rng(seed)
    frames, speakers = [], []
    for speaker, voice in enumerate(people):
        wanted = each
        while wanted:
            audio = spoken(voice, rng)
            if len(audio) < SHORTEST * SAMPLE_RATE:
                continue
            if is_training and rng.random() < 0.35:
                decay_s, direct_db = rng.uniform(0.12, 0.7), rng.uniform(-3, 12)
                audio = reverberated(audio, decay_s, direct_db, generator)
            below_db = rng.uniform(6, 45) if is_training and rng.random() < 0.75 else 42.0
            audio = noisy(audio, below_db, rng, generator)
            frames.append(features(audio).half())
            speakers.append(speaker)
            wanted -= 1
    return Utterances(frames, speakers, [voice["voice"] for voice in people])


def load_or_make(folder: Path, each: int = UTTERANCES, trials: int = TRIALS) -> list[Utterances]:
    """Utterances for training, for choosing the threshold and held out; loaded from the folder
    where an earlier run left them.

    Raises RuntimeError where espeak-ng has started already: it has no such voices then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"voices-{each}-{trials}.pt"
    if not kept.exists():
        write_data(folder / "espeak-ng-data")
        use_data(folder / "espeak-ng-data")
        began = time.monotonic()
        people = identities()
        made = [
            utterances(people.training, each, 1, is_training=True),
            utterances(people.choosing, trials, 2, is_training=False),
            utterances(people.held_out, trials, 3, is_training=False),
        ]
        part = kept.with_suffix(".part")  # renamed when whole: a run cut short leaves no stump
        torch.save([vars(group) for group in made], part)
        part.rename(kept)
        log.info("%s made in %.0f s", kept.name, time.monotonic() - began)
    return [Utterances(**group) for group in torch.load(kept)]
