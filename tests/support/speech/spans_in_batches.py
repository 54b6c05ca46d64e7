"""Spans of speech for the networks of every family, and what holds of each that hears them in
batches."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from tests.support.speech import speech_models
from worker.engine.calibration.probe_batches import live_peak_bytes, measure, noise
from worker.engine.family import ProbeShape, SpeechNetwork
from worker.memory.calibration_fit import fit_memory_model
from worker.recogniser import EMPTY_REQUEST, Pcm, RecognisedSpan

CPU = torch.device("cpu")

LENGTHS_S = (0.4, 1.0, 1.3, 2.2, 3.0, 3.1, 5.0, 7.7, 12.0, 20.0)


def spoken() -> list[Pcm]:
    begins = np.cumsum((0.0, *LENGTHS_S))
    return [
        speech_models.excerpt(begin, begin + length)
        for begin, length in zip(begins[:-1], LENGTHS_S, strict=True)
    ]


def without_confidence(said: RecognisedSpan) -> RecognisedSpan:
    return replace(said, words=tuple(replace(word, confidence=None) for word in said.words))


@functools.cache
def heard_alone(network: SpeechNetwork) -> list[RecognisedSpan]:
    """What each of the spans is alone; not to be changed."""
    return [network.recognise([pcm], EMPTY_REQUEST)[0] for pcm in spoken()]


def assert_batches_change_nothing(network: SpeechNetwork, size: int) -> list[RecognisedSpan]:
    """Hear the spans alone and in batches of `size` in random order; return what they are alone.

    On two threads, which divide a batch.
    """
    torch.set_num_threads(2)
    speech = spoken()
    alone = heard_alone(network)
    order = random.Random(size).sample(range(len(speech)), len(speech))
    for first in range(0, len(order), size):
        batch = order[first : first + size]
        together = network.recognise([speech[i] for i in batch], EMPTY_REQUEST)
        for index, said in zip(batch, together, strict=True):
            assert without_confidence(said) == without_confidence(alone[index])
            for word, of_alone in zip(said.words, alone[index].words, strict=True):
                assert word.confidence is not None and of_alone.confidence is not None
                # The last digit follows the rounding of matrix products of another shape.
                assert abs(word.confidence - of_alone.confidence) <= 0.0101
    return alone


def assert_within_estimate(network: SpeechNetwork, shapes: Sequence[ProbeShape]) -> None:
    """Assert that no batch of these shapes takes more memory than estimated from the
    architecture."""
    for shape in shapes:
        estimated = network.memory_estimate.activation_bytes(shape.padded_s, shape.longest_s)
        assert live_peak_bytes(CPU, network, noise(shape)) <= estimated


def assert_probes_foretell(network: SpeechNetwork, shapes: Sequence[ProbeShape]) -> None:
    """The network's probes all run, and what is fitted to them holds for batches of these
    shapes."""
    seen = measure(network, CPU, headroom_bytes=2**34, time_limit_s=120)
    assert len(seen) == len(network.probes.memory)
    assert max(shape.longest_s for shape in network.probes.memory) <= network.longest_span_s
    fitted = fit_memory_model(seen, network.memory_estimate)
    for shape in shapes:
        measured = live_peak_bytes(CPU, network, noise(shape))
        predicted = fitted.activation_bytes(shape.padded_s, shape.longest_s)
        assert measured <= 1.5 * predicted + 10e6
