"""What a recording looks like depends on its samples and on nothing else."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from shared.jobs import Waveform
from worker.audio.waveform import FRAME_SAMPLES, MOST_BUCKETS, LoudnessMeter
from worker.recogniser import SAMPLE_RATE, Pcm


def measured(samples: Pcm, *lengths: int) -> Waveform:
    """Fed in blocks of these lengths in turn."""
    meter = LoudnessMeter()
    start = 0
    for length in itertools.cycle(lengths or (5 * SAMPLE_RATE,)):
        meter.feed(samples[start : start + length])
        start += length
        if start >= len(samples):
            break
    waveform = meter.waveform()
    assert waveform is not None
    return waveform


def noise(seconds: float, loudness: float = 3000.0) -> Pcm:
    random = np.random.default_rng(5)
    samples = random.normal(0, loudness, round(seconds * SAMPLE_RATE))
    return samples.clip(-32_768, 32_767).astype(np.int16)


def by_definition(samples: Pcm) -> bytes:
    """The same figures, from all samples at once."""
    frames = -(-len(samples) // FRAME_SAMPLES)
    padded = np.zeros(frames * FRAME_SAMPLES, np.int64)
    padded[: len(samples)] = np.abs(samples.astype(np.int64))
    peaks = padded.reshape(-1, FRAME_SAMPLES).max(axis=1)
    each = 1
    while (len(samples) // FRAME_SAMPLES) // each >= MOST_BUCKETS:
        each *= 2
    means = [int(peaks[at : at + each].sum()) // len(peaks[at : at + each])
             for at in range(0, frames, each)]  # fmt: skip
    return bytes(mean * 255 // max(1, *means, 1) for mean in means)


@pytest.mark.parametrize("seconds", [0.004, 0.01, 1.0, 39.995, 40.0, 40.01, 63.217, 400.0])
def test_it_is_the_mean_of_the_peaks_of_each_bucket(seconds: float) -> None:
    samples = noise(seconds)
    waveform = measured(samples)
    assert waveform.peaks == by_definition(samples)
    assert waveform.duration_s == pytest.approx(len(samples) / SAMPLE_RATE)


def test_it_does_not_depend_on_how_the_samples_came() -> None:
    samples = noise(95.3)
    expected = measured(samples)
    for lengths in ((len(samples),), (1, 77, 4001, 159), (160,), (80_000, 3), (1_000_000, 17)):
        assert measured(samples, *lengths) == expected


@pytest.mark.parametrize("hours", [0.02, 1, 5, 10])
def test_a_recording_has_a_few_thousand_buckets_however_long_it_is(hours: float) -> None:
    meter = LoudnessMeter()
    block = noise(60.0)
    for _ in range(round(hours * 60)):
        meter.feed(block)
    waveform = meter.waveform()
    assert waveform is not None
    assert MOST_BUCKETS // 2 <= len(waveform.peaks) <= MOST_BUCKETS
    assert waveform.duration_s == pytest.approx(hours * 3600, abs=31)


def test_loud_and_quiet_parts_stand_where_they_are() -> None:
    silence = np.zeros(30 * SAMPLE_RATE, np.int16)
    samples = np.concatenate([silence, noise(30, 4000), silence, noise(30, 1000)])
    peaks = np.frombuffer(measured(samples).peaks, np.uint8)
    first, second, third, fourth = np.array_split(peaks, 4)
    assert first[:-1].max() == third[1:-1].max() == 0
    assert second.mean() > 200
    assert 40 < fourth.mean() < 80


def test_a_quiet_recording_shows_as_much_as_a_loud_one() -> None:
    assert max(measured(noise(20, 40)).peaks) == max(measured(noise(20, 8000)).peaks) == 255


def test_the_loudest_possible_sample_is_no_overflow() -> None:
    samples = np.full(SAMPLE_RATE, -32_768, np.int16)
    assert set(measured(samples).peaks) == {255}


def test_silence_and_nothing() -> None:
    assert set(measured(np.zeros(SAMPLE_RATE, np.int16)).peaks) == {0}
    assert LoudnessMeter().waveform() is None


def test_asking_early_changes_nothing() -> None:
    samples = noise(41.2345)
    meter = LoudnessMeter()
    for start in range(0, len(samples), 50_001):
        meter.feed(samples[start : start + 50_001])
        meter.waveform()
    assert meter.waveform() == measured(samples)
