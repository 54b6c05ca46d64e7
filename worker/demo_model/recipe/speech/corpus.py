"""Training speech: utterances of mixed kinds, made louder, softer and noisy, as feature shards.

A shard is a list of (features, token ids, starts, ends, text). Features are float16 log-mel frames
before normalisation, shape [frames, 560], one each 60 ms; times are float32 seconds, [tokens].
"""

import logging
import random
import time
from pathlib import Path

import numpy as np
import torch
from funasr.frontends.wav_frontend import WavFrontend
from scipy.signal import lfilter

from worker.demo_model.recipe.architecture import ASR_FRONTEND
from worker.demo_model.recipe.language import grammar
from worker.demo_model.recipe.speech.synthesis import SAMPLE_RATE, Speech, random_voice, synthesise

log = logging.getLogger(__name__)

LONGEST = 20.0  # s; longer ones cost padding, and endpoints are seldom so far apart

# What an utterance is made of, and how often. A third follows the templates; the rest keeps the
# recogniser listening. Two in a hundred hold no speech, or it would put words to noise.
_KINDS = (
    (0.02, ()),
    (0.23, (grammar.template_sentence,)),
    (0.10, (grammar.clause,)),
    (0.04, (grammar.template_sentence, grammar.template_sentence)),
    (0.03, (grammar.free_sentence, grammar.template_sentence)),
    (0.03, (grammar.template_sentence, grammar.clause, grammar.free_sentence)),
    (0.26, (grammar.free_sentence,)),
    (0.10, (grammar.splice,)),
    (0.16, (grammar.word_sequence,)),
    (0.03, (grammar.character_sequence,)),
)

Shard = list[tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, str]]


def noise(samples: int, rng: random.Random, generator: np.random.Generator) -> np.ndarray:
    """Noise of unit variance, shape [samples]: white, coloured, or with mains hum."""
    kind = rng.random()
    sound = generator.standard_normal(samples)
    if kind > 0.4:  # one pole: from a hiss to a rumble
        sound = lfilter([1], [1, -rng.uniform(-0.5, 0.985)], sound)
        sound /= sound.std() + 1e-9
    if kind > 0.85:
        when = np.arange(samples) / SAMPLE_RATE
        for harmonic in (1, 2, 3, 5):
            phase = 2 * np.pi * (50 * harmonic * when + rng.random())
            sound += rng.uniform(0, 1.5) * np.sin(phase)
        sound /= sound.std() + 1e-9
    return sound.astype(np.float32)


def no_speech(rng: random.Random, generator: np.random.Generator) -> np.ndarray:
    """Silence or noise of 0.2 to 6 s, at any level that a microphone gives."""
    samples = int(SAMPLE_RATE * rng.uniform(0.2, 6))
    if rng.random() < 0.15:
        return np.zeros(samples, np.float32)
    return noise(samples, rng, generator) * np.float32(10 ** (-rng.uniform(12, 75) / 20))


def utterance(rng: random.Random, generator: np.random.Generator) -> Speech:
    """Draw one training utterance, held-out sentences excepted."""
    kinds = [sources for _, sources in _KINDS]
    while True:
        sources = rng.choices(kinds, [share for share, _ in _KINDS])[0]
        if not sources:
            return Speech("", no_speech(rng, generator), (), (), ())
        texts = [source(rng) for source in sources]
        if any(grammar.is_held_out(text) for text in texts):
            continue
        voice = random_voice(rng)
        speech = join([synthesise(text, **voice) for text in texts], rng)
        if speech.duration < LONGEST:
            return degrade(speech, rng, generator)


def join(parts: list[Speech], rng: random.Random) -> Speech:
    """Utterances one after the other with 20 to 700 ms between them: endpoint detection lets a
    segment run on over pauses shorter than its limit, 800 ms."""
    audio, starts, ends, offset = [], [], [], 0.0
    for part in parts:
        starts += [offset + time_ for time_ in part.starts]
        ends += [offset + time_ for time_ in part.ends]
        gap = np.zeros(int(SAMPLE_RATE * rng.choice((0.4, 1)) * rng.uniform(0.02, 0.7)), np.float32)
        audio += [part.audio, gap]
        offset += part.duration + len(gap) / SAMPLE_RATE
    tokens = tuple(token for part in parts for token in part.tokens)
    text = "".join(part.text for part in parts)
    return Speech(text, np.concatenate(audio[:-1]), tokens, tuple(starts), tuple(ends))


def degrade(speech: Speech, rng: random.Random, generator: np.random.Generator) -> Speech:
    """Put silence around it, set its level, add noise 12 to 55 dB below the speech."""

    def silence(least: float, most: float) -> np.ndarray:
        # Half of them short, as an endpoint detector cuts, half as people cut.
        longest = rng.choice((least + 0.05, most))
        return np.zeros(int(SAMPLE_RATE * rng.uniform(least, longest)), np.float32)

    lead = silence(0.01, 0.4)
    audio = np.concatenate([lead, speech.audio, silence(0.02, 0.5)])
    audio *= rng.uniform(0.06, 0.95) / max(1e-3, float(np.abs(audio).max()))
    if rng.random() > 0.1:
        level = float(np.sqrt((audio**2).mean())) * 10 ** (-rng.uniform(12, 55) / 20)
        audio += noise(len(audio), rng, generator) * np.float32(level)
    offset = len(lead) / SAMPLE_RATE
    return Speech(
        speech.text,
        np.clip(audio, -1, 1),
        speech.tokens,
        tuple(offset + time_ for time_ in speech.starts),
        tuple(offset + time_ for time_ in speech.ends),
    )


def features(audio: np.ndarray, frontend: WavFrontend) -> torch.Tensor:
    """FunASR's own features of float32 [samples] at 16 kHz: float32 [frames, bins]."""
    batch, _ = frontend(torch.from_numpy(audio)[None], torch.tensor([len(audio)]))
    frames: torch.Tensor = batch[0]
    return frames


def make_shard(number: int, size: int) -> Shard:
    """The utterances of one shard, in the order of their making."""
    rng, generator = random.Random(number), np.random.default_rng(number)
    frontend = WavFrontend(**ASR_FRONTEND)
    shard: Shard = []
    for _ in range(size):
        speech = utterance(rng, generator)
        shard.append(
            (
                features(speech.audio, frontend).half(),
                torch.tensor([grammar.TOKEN_IDS[token] for token in speech.tokens]).long(),
                torch.tensor(speech.starts).float(),
                torch.tensor(speech.ends).float(),
                speech.text,
            )
        )
    return shard


def load_or_make_shards(folder: Path, count: int, size: int) -> Shard:
    """Load the shards that an earlier run left in the folder, make the others, and return all as
    one list.

    A run cut short goes on with other audio than one that was not: see _Espeak on its state."""
    folder.mkdir(parents=True, exist_ok=True)
    pool: Shard = []
    for number in range(count):
        path = folder / f"shard-{size}-{number:03d}.pt"
        if not path.exists():
            began = time.monotonic()
            part = path.with_suffix(".part")  # renamed when whole: a run cut short leaves no stump
            torch.save(make_shard(number, size), part)
            part.rename(path)
            log.info("%s made in %.0f s", path.name, time.monotonic() - began)
        pool += torch.load(path)
    return pool
