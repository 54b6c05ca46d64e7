"""Our engine gives what FunASR's own `generate()` gives at batch size 1."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import torch

from shared.transcripts.values import Word
from tests.support.speech import speech_models
from worker.batching.batch_packing import plan_batches
from worker.engine.fbank import Fbank, FbankStream, frame_count, stack_frames
from worker.engine.funasr_recogniser import FunASRRecogniser, load_recogniser
from worker.engine.paraformer.load_paraformer import load_paraformer
from worker.engine.paraformer.network import Paraformer
from worker.engine.voice_activity.endpoints import VoiceActivityOptions
from worker.model_store.locate import locate
from worker.pass_cost import PassCost
from worker.recogniser import EMPTY_REQUEST, SAMPLE_RATE, Pcm, SpeechSpan

CPU = torch.device("cpu")
SAMPLES_PER_MS = SAMPLE_RATE // 1000


def find_spans(pcm: Pcm, recogniser: FunASRRecogniser | None = None) -> list[SpeechSpan]:
    detector = (recogniser or speech_models.recogniser()).voice_activity()
    return detector.feed(pcm) + detector.finish()


@functools.cache
def paraformer() -> Paraformer:
    network = load_paraformer(locate("demo").asr, CPU)
    return Paraformer(network, Fbank(CPU), CPU)


def milliseconds(spans: list[SpeechSpan]) -> list[tuple[int, int]]:
    return [(span.start // SAMPLES_PER_MS, span.end // SAMPLES_PER_MS) for span in spans]


@functools.cache
def stock_result() -> dict[str, Any]:
    """FunASR on the whole sample meeting, one span at a time, with the silence threshold fixed."""
    (result,) = speech_models.stock().generate(
        speech_models.floats(speech_models.meeting()), batch_size_s=300, max_end_silence_time=800
    )
    return result


def transcribe(batch_size_s: float, cost: PassCost) -> list[tuple[SpeechSpan, tuple[Word, ...]]]:
    pcm = speech_models.meeting()
    spans = find_spans(pcm)
    results: dict[int, tuple[Word, ...]] = {}
    for batch in plan_batches(spans, batch_size_s, pass_cost=cost).batches:
        speech_of_batch = [pcm[spans[i].start : spans[i].end] for i in batch.indices]
        recognised = speech_models.recogniser().recognise(speech_of_batch, EMPTY_REQUEST)
        words = [said.words for said in recognised]
        results.update(zip(batch.indices, words, strict=True))
    return [(span, results[i]) for i, span in enumerate(spans)]


# --- the whole of it ---------------------------------------------------------------------------


ON_A_GPU = PassCost(500.0, per_longest_s=60.0)
"""Padded and packed as where launching kernels is dearest."""


@pytest.mark.parametrize(
    ("batch_size_s", "cost"), [(1, PassCost(2)), (60, PassCost(2)), (600, ON_A_GPU)]
)
def test_text_and_times_of_the_sample_meeting_equal_funasr(
    batch_size_s: float, cost: PassCost
) -> None:
    transcribed = transcribe(batch_size_s, cost)
    times = [
        (
            round(word.start * 1000) + span.start // SAMPLES_PER_MS,
            round(word.end * 1000) + span.start // SAMPLES_PER_MS,
        )
        for span, words in transcribed
        for word in words
    ]
    assert times == [(start, end) for start, end in stock_result()["timestamp"]]
    words = [word.word for _, result in transcribed for word in result]
    marks = speech_models.recogniser().punctuate(words)
    text = "".join(word + mark for word, mark in zip(words, marks, strict=True))
    # FunASR also writes spaces around English words and capitals at the start of a sentence.
    assert text.lower() == stock_result()["text"].replace(" ", "").lower()


# --- voice activity ----------------------------------------------------------------------------

RECORDINGS = {
    "as it is": lambda: speech_models.excerpt(0, 130),
    "noisy": lambda: speech_models.with_noise(speech_models.excerpt(20, 100), 60),
    "very quiet": lambda: speech_models.louder(speech_models.excerpt(60, 120), 0.02),
    "clipped": lambda: speech_models.louder(speech_models.excerpt(60, 120), 30),
    "in silence": lambda: np.concatenate(
        [
            speech_models.silence(7.003),
            speech_models.excerpt(3, 30),
            speech_models.silence(61.5),
            speech_models.excerpt(40, 43),
        ]
    ),
    "cut off while speaking": lambda: speech_models.excerpt(2, 3.7),
    "noise alone": lambda: speech_models.with_noise(speech_models.silence(20), 500),
    "a fifth of a second": lambda: speech_models.excerpt(2, 2.2),
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_spans_equal_funasr(name: str) -> None:
    pcm = RECORDINGS[name]()
    assert milliseconds(find_spans(pcm)) == speech_models.stock_spans_ms(pcm)


@pytest.mark.parametrize("end_silence_ms", [300, 1_500])
def test_spans_equal_funasr_at_other_thresholds(end_silence_ms: int) -> None:
    pcm = speech_models.excerpt(0, 70)
    recogniser = load_recogniser(
        "demo", device="cpu", voice_activity=VoiceActivityOptions(end_silence_ms=end_silence_ms)
    )
    expected = speech_models.stock_spans_ms(pcm, max_end_silence_time=end_silence_ms)
    assert milliseconds(find_spans(pcm, recogniser)) == expected


# --- features ----------------------------------------------------------------------------------


def stock_features(name: str, pcm: Pcm) -> torch.Tensor:
    frontend = getattr(speech_models.stock(), name)["frontend"]
    samples = torch.from_numpy(speech_models.floats(pcm))[None]
    features, _ = frontend(samples, torch.tensor([len(pcm)]))
    return features[0]


@pytest.mark.parametrize("seconds", [0.025, 0.03, 0.1, 5.0, 31.017])
def test_recognition_features_equal_funasr(seconds: float) -> None:
    pcm = speech_models.excerpt(2, 2 + seconds)
    ours = paraformer().features([pcm])[0][0]
    stock = stock_features("kwargs", pcm)
    assert ours.shape == stock.shape
    # In the units of am.mvn, whose scale is about 0.2 a natural-log unit.
    assert (ours - stock).abs().max() < 2e-3


def test_filter_banks_equal_kaldi() -> None:
    from funasr.utils.fbank import fbank as stock_fbank

    pcm = speech_models.excerpt(0, 20)
    stock = stock_fbank(
        torch.from_numpy(pcm.astype(np.float32))[None],
        num_mel_bins=80,
        frame_length=25,
        frame_shift=10,
        dither=0.0,
        energy_floor=0.0,
        window_type="hamming",
        sample_frequency=SAMPLE_RATE,
        snip_edges=True,
    )
    ours = Fbank(CPU)(pcm)
    assert ours.shape == stock.shape
    assert (ours - stock).abs().max() < 2e-3


@pytest.mark.parametrize("block", [1, 159, 400, 7_777, 1_000_000])
def test_a_recording_in_blocks_has_the_frames_of_the_whole(block: int) -> None:
    pcm = speech_models.excerpt(1, 1.1 if block == 1 else 8)
    fbank = Fbank(CPU)
    stream = FbankStream(fbank)
    parts = [stream.feed(pcm[first : first + block]) for first in range(0, len(pcm), block)]
    whole = fbank(pcm)
    assert len(whole) == frame_count(len(pcm))
    # Rounding may follow the shape of a matrix product.
    torch.testing.assert_close(torch.cat(parts), whole, rtol=0, atol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 3, 5, 6, 7, 8, 11, 12, 13, 50, 97])
@pytest.mark.parametrize(("width", "step"), [(7, 6), (5, 1)])
def test_stacking_equals_funasr(frames: int, width: int, step: int) -> None:
    from funasr.frontends.wav_frontend import apply_lfr

    features = torch.randn(frames, 80, generator=torch.Generator().manual_seed(frames))
    assert torch.equal(stack_frames(features, width, step), apply_lfr(features, width, step))
