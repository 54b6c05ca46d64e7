"""What rounding changes in a text: each precision of this device against float32, and a batch
against a segment alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.support.speech.demo_speech import character_error_rate, spoken
from tests.support.speech.stress import with_noise
from worker.batching.batch_packing import plan_batches
from worker.bench.gpu.residue import characters_differing
from worker.demo_model.recipe.speech.meeting import make_meeting
from worker.engine.funasr_recogniser import FunASRRecogniser, load_recogniser
from worker.engine.instruction_sets import instruction_sets
from worker.engine.layers.int8 import multiplies_in_int8
from worker.recogniser import EMPTY_REQUEST, Pcm, SpeechSpan

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

SECONDS = 1_200
NOISES_DB = (math.inf, 10.0, 5.0)
"""White noise so far below the speech."""
SIZES = (1, 60, 600)
MOST_MORE_ERRORS = 0.001
"""Largest share of all characters that 8 bits, as they are computed by default, may get wrong
beyond float32."""
UNDERSTOOD_DB = 10.0
"""The limits hold for one recording from there on. At 5 dB, where a quarter of the text is wrong,
every rounding moves some of it either way, so there they hold for the mean of many."""
HARD_DB = 5.0
HARD_MEETINGS, HARD_NOISES = (7, 8), range(10)
"""Seeds of the meetings, and of the noises over each."""
PRECISIONS = {
    "float32": ("float32", "auto"),
    "bfloat16": ("bfloat16", "torch"),
    "int8": ("int8", "onnxruntime"),
    **({"int8 torch": ("int8", "torch")} if multiplies_in_int8() else {}),
}
"""Precision and runtime, by the name that they have here."""


def test_what_rounding_changes() -> None:
    torch.set_num_threads(1)
    audio, reference = make_meeting(SECONDS, seed=7)
    said = "".join(sentence["text"] for sentence in reference["sentences"])
    recognisers = {name: _loaded(name) for name in PRECISIONS}
    print("\nnoise precision size characters | differ from float32, from alone | error rate")
    print(instruction_sets())
    for decibel in NOISES_DB:
        heard_as = audio
        if decibel != math.inf:
            heard_as = with_noise(decibel)(audio, np.random.default_rng(0))
        pcm = _pcm(heard_as)
        detector = recognisers["float32"].voice_activity()
        spans = detector.feed(pcm) + detector.finish()
        exact = _texts(recognisers["float32"], pcm, spans, SIZES[0])
        exact_rate = character_error_rate(said, "".join(exact))
        for name, recogniser in recognisers.items():
            alone = exact if name == "float32" else _texts(recogniser, pcm, spans, SIZES[0])
            for size in SIZES:
                heard = alone if size == SIZES[0] else _texts(recogniser, pcm, spans, size)
                rate = character_error_rate(said, "".join(heard))
                differ = characters_differing(exact, heard), characters_differing(alone, heard)
                count = len(spoken("".join(heard)))
                print(f"{decibel:5} {name:10} {size:4} {count:6,} | {differ} | {rate:.2%}")
                assert name != "float32" or differ == (0, 0)
                if decibel >= UNDERSTOOD_DB:
                    assert name != "int8" or rate <= exact_rate + MOST_MORE_ERRORS
                    assert differ[0] <= 0.01 * count


def test_what_8_bits_cost_where_a_quarter_is_wrong() -> None:
    torch.set_num_threads(1)
    exact, rounded = (_loaded(name) for name in ("float32", "int8"))
    more: list[float] = []
    for meeting in HARD_MEETINGS:
        audio, reference = make_meeting(SECONDS, seed=meeting)
        said = "".join(sentence["text"] for sentence in reference["sentences"])
        for noise in HARD_NOISES:
            pcm = _pcm(with_noise(HARD_DB)(audio, np.random.default_rng(noise)))
            detector = exact.voice_activity()
            spans = detector.feed(pcm) + detector.finish()
            rates = [
                character_error_rate(said, "".join(_texts(each, pcm, spans, SIZES[1])))
                for each in (exact, rounded)
            ]
            more.append(rates[1] - rates[0])
            print(f"\nmeeting {meeting}, noise {noise}: {rates[0]:.2%}, {rates[1]:.2%}", end="")
    mean, error = np.mean(more), np.std(more, ddof=1) / math.sqrt(len(more))
    print(f"\nint8 over float32 in {len(more)} sets: {mean:+.3%}, standard error {error:.3%}")
    assert mean <= MOST_MORE_ERRORS


def _loaded(name: str) -> FunASRRecogniser:
    precision, runtime = PRECISIONS[name]
    return load_recogniser(
        "demo", device="cpu", precision=precision, cpu_runtime=runtime, cpu_threads=1
    )


def _pcm(audio: np.ndarray) -> Pcm:
    return (audio.clip(-1, 1) * 32_767).astype(np.int16)


def _texts(
    recogniser: FunASRRecogniser, pcm: Pcm, spans: list[SpeechSpan], size: float
) -> list[str]:
    heard = [""] * len(spans)
    plan = plan_batches(spans, size, pass_cost=recogniser.pass_cost)
    for batch in plan.batches:
        speech = [pcm[spans[index].start : spans[index].end] for index in batch.indices]
        recognised = recogniser.recognise(speech, EMPTY_REQUEST)
        for index, said in zip(batch.indices, recognised, strict=True):
            heard[index] = "".join(word.word for word in said.words)
    return heard
