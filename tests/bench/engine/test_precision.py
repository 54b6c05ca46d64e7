"""What rounding changes in a text: each precision of this device against float32, and a batch
against a segment alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.support.speech.demo_speech import character_error_rate, spoken
from worker.batching.plan import plan_batches
from worker.bench.gpu.residue import characters_differing
from worker.demo_model.recipe.speech.meeting import make_meeting
from worker.engine.funasr_recogniser import FunASRRecogniser, load_recogniser
from worker.engine.layers.int8 import multiplies_in_int8
from worker.recogniser import EMPTY_REQUEST, Pcm, SpeechSpan

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

SECONDS = 600
NOISES = (0.0, 0.02, 0.04)
"""Standard deviation beside peaks of 0.5."""
SIZES = (1, 60, 300, 600)
PRECISIONS = {
    "float32": ("float32", "auto"),
    "bfloat16": ("bfloat16", "torch"),
    "int8": ("int8", "onnxruntime"),
    **({"int8 torch": ("int8", "torch")} if multiplies_in_int8() else {}),
}
"""By what they are called here: the precision, and what computes it."""


def test_what_rounding_changes() -> None:
    torch.set_num_threads(1)
    audio, reference = make_meeting(SECONDS, seed=7)
    said = "".join(sentence["text"] for sentence in reference["sentences"])
    rooms = np.random.default_rng(0).standard_normal(len(audio))
    recognisers = {
        name: load_recogniser(
            "demo", device="cpu", precision=precision, cpu_runtime=runtime, cpu_threads=1
        )
        for name, (precision, runtime) in PRECISIONS.items()
    }
    print("\nnoise precision size characters | differ from float32, from alone | error rate")
    for noise in NOISES:
        pcm = ((audio + noise * rooms).clip(-1, 1) * 32_767).astype(np.int16)
        detector = recognisers["float32"].voice_activity()
        spans = detector.feed(pcm) + detector.finish()
        exact = _texts(recognisers["float32"], pcm, spans, SIZES[0])
        for name, recogniser in recognisers.items():
            alone = _texts(recogniser, pcm, spans, SIZES[0])
            for size in SIZES:
                heard = _texts(recogniser, pcm, spans, size)
                rate = character_error_rate(said, "".join(heard))
                differ = characters_differing(exact, heard), characters_differing(alone, heard)
                count = len(spoken("".join(heard)))
                print(f"{noise:5} {name:10} {size:4} {count:6,} | {differ} | {rate:.2%}")
                assert name != "float32" or differ == (0, 0)
                assert differ[0] <= 0.01 * count


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
