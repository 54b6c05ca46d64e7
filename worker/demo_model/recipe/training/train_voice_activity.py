"""Training of the endpoint detector: a very small FSMN-VAD, on frames of known speech."""

import random
from pathlib import Path

import numpy as np
import torch
from funasr.frontends.wav_frontend import WavFrontend
from funasr.models.fsmn_vad_streaming.encoder import FSMN
from torch.nn import functional

from worker.demo_model.recipe.architecture import VAD_CONFIG, VAD_FRONTEND
from worker.demo_model.recipe.language import grammar
from worker.demo_model.recipe.model_folder import write_folder
from worker.demo_model.recipe.speech.corpus import features, noise
from worker.demo_model.recipe.speech.synthesis import SAMPLE_RATE, random_voice, synthesise

TRACKS, TRACK_SECONDS = 160, 25
STEPS, WINDOW, BATCH = 3000, 400, 8  # frames of 10 ms a window, windows a batch
_WITHOUT_SPEECH = 0.3  # share of the tracks
_SOURCES = (grammar.template_sentence, grammar.free_sentence, grammar.word_sequence)
_SEEN = 0.012  # s; the middle of frame 0's 25 ms window


def make_track(rng: random.Random, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """25 s of audio, float32 [samples], and whether each 10 ms frame is speech, int64 [frames].

    Every sentence has its own level and the noise swells and drops, so that loudness alone tells
    nothing; a third of the tracks have no speech at all."""
    samples = TRACK_SECONDS * SAMPLE_RATE
    audio = np.zeros(samples, np.float32)
    labels = np.zeros(samples // (SAMPLE_RATE // 100), np.int64)
    if rng.random() < _WITHOUT_SPEECH:
        if rng.random() < 0.9:
            audio += _swelling_noise(rng, generator) * 10 ** (-rng.uniform(12, 75) / 20)
        return np.clip(audio, -1, 1), labels
    position, softest = int(SAMPLE_RATE * rng.uniform(0.1, 2.5)), 1.0
    loudness = rng.uniform(-26, -3)  # dB, of the track; sentences vary about it
    while True:
        speech = synthesise(rng.choice(_SOURCES)(rng), **random_voice(rng))
        if position + len(speech.audio) > samples:
            break
        peak = 10 ** (min(0.0, loudness + rng.uniform(-8, 8)) / 20)
        softest = min(softest, peak)
        scaled = speech.audio * (peak / np.abs(speech.audio).max())
        audio[position : position + len(scaled)] += scaled
        offset = position / SAMPLE_RATE
        for start, end in zip(speech.starts, speech.ends, strict=True):
            first = max(0, int((offset + start - _SEEN) * 100))
            labels[first : int((offset + end - _SEEN) * 100) + 1] = 1
        longest = rng.choice((0.7, 3.0))
        position += len(scaled) + int(SAMPLE_RATE * rng.uniform(0.1, longest))
    if rng.random() > 0.1:  # 25 to 60 dB below the peaks of the softest sentence
        audio += _swelling_noise(rng, generator) * (softest * 10 ** (-rng.uniform(25, 60) / 20))
    return np.clip(audio, -1, 1).astype(np.float32), labels


def _swelling_noise(rng: random.Random, generator: np.random.Generator) -> np.ndarray:
    """Noise of a track's length, at most of unit variance, steady or with a level that moves by
    up to 20 dB."""
    sound = noise(TRACK_SECONDS * SAMPLE_RATE, rng, generator)
    if rng.random() < 0.5:
        return sound
    knots = sorted(rng.uniform(0, TRACK_SECONDS) for _ in range(12))
    levels = [-rng.uniform(0, 20) for _ in knots]
    when = np.arange(len(sound)) / SAMPLE_RATE
    return (sound * 10 ** (np.interp(when, knots, levels) / 20)).astype(np.float32)


def train(folder: Path, *, tracks: int = TRACKS, steps: int = STEPS, seed: int = 42) -> None:
    """Train the endpoint detector and write its model folder."""
    torch.manual_seed(seed)
    rng, generator = random.Random(seed), np.random.default_rng(seed)
    frontend = WavFrontend(**VAD_FRONTEND)
    data = []
    for _ in range(tracks):
        audio, speaks = make_track(rng, generator)
        frames = features(audio, frontend)
        data.append((frames, torch.from_numpy(speaks)[: len(frames)]))
    every = torch.cat([frames for frames, _ in data])
    mean, deviation = every.mean(0), every.std(0)
    data = [((frames - mean) / deviation, labels) for frames, labels in data]

    network = FSMN(**VAD_CONFIG["encoder_conf"], use_softmax=False)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * max(0.03, 1 - step / steps)
        windows, targets = [], []
        for frames, labels in rng.choices(data, k=BATCH):
            first = rng.randrange(len(labels) - WINDOW)
            windows.append(frames[first : first + WINDOW])
            targets.append(labels[first : first + WINDOW])
        scores = network(torch.stack(windows), {})
        # Smoothing keeps the scores off 0 and 1: FsmnVADStreaming takes log(p) and log(1 - p).
        loss = functional.cross_entropy(
            scores.flatten(0, 1), torch.stack(targets).flatten(), label_smoothing=0.04
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    state = {f"encoder.{name}": values for name, values in network.state_dict().items()}
    # float32: it is small, and its scores are compared with a fixed threshold.
    write_folder(
        folder, VAD_CONFIG, state, mean=mean.numpy(), deviation=deviation.numpy(), half=False
    )
