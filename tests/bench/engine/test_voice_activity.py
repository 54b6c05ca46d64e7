"""Finding the speech in an hour, beside FunASR with the same networks and thresholds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.bench.measuring.stock_voice_activity import stock_voice_activity
from tests.support.speech import speech_models
from tests.support.speech.demo_speech import meeting
from worker import demo_model
from worker.audio.decode import BLOCK_S
from worker.bench.stopwatch import Stopwatch
from worker.engine.funasr_recogniser import FunASRRecogniser, load_recogniser
from worker.engine.reference.random_model import ModelSizes, make_random_model
from worker.recogniser import SAMPLE_RATE, Pcm, SpeechSpan

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

LIMIT = 2.5
REPEATS = 3
_BLOCK = int(BLOCK_S * SAMPLE_RATE)
_WARM_UP_SAMPLES = 30 * SAMPLE_RATE

BESIDE_REAL_VAD = ModelSizes(
    asr_width=128,
    asr_encoder_blocks=2,
    asr_decoder_blocks=1,
    asr_vocabulary=500,
    punc_width=64,
    punc_blocks=1,
    punc_heads=4,
    punc_linear=64,
    punc_vocabulary=600,
    punc_words=0,
)
"""FSMN-VAD as the hub has it, beside a small recogniser, which is not asked for anything."""


@pytest.fixture
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("sizes", [None, BESIDE_REAL_VAD], ids=["bundled", "random-weights"])
def test_an_hour(sizes: ModelSizes | None, tmp_path: Path, one_thread: None) -> None:
    folder, model = demo_model.VAD_DIR, "demo"
    if sizes is not None:
        make_random_model(tmp_path, speech_models.meeting(), sizes)
        folder, model = tmp_path / "vad", str(tmp_path)
    recogniser = load_recogniser(model, device="cpu", cpu_threads=1)
    hour = meeting(3600).samples
    hour.tofile(tmp_path / "hour.pcm")

    _find(recogniser, hour[:_WARM_UP_SAMPLES])
    ours, stock = [], []
    for _ in range(REPEATS):
        cpu_s, spans = _find(recogniser, hour)
        ours.append(cpu_s)
        cpu_s, stock_spans = stock_voice_activity(
            folder, tmp_path / "hour.pcm", tmp_path / "report.json"
        )
        stock.append(cpu_s)
    ratio = sum(stock) / sum(ours)
    print(
        f"\nvoice activity of 1 h, {'bundled' if sizes is None else 'FSMN-VAD, random weights'}, "
        f"one thread, in turns: ours {_list(ours)} CPU s, FunASR {_list(stock)} CPU s, "
        f"{ratio:.2f} times ours (at least {LIMIT}); {len(spans)} spans"
    )
    assert len(spans) > 500
    assert spans == stock_spans
    assert ratio >= LIMIT


def _list(seconds: list[float]) -> str:
    return ", ".join(f"{figure:.2f}" for figure in seconds)


def _find(recogniser: FunASRRecogniser, pcm: Pcm) -> tuple[float, list[SpeechSpan]]:
    with Stopwatch() as watch:
        detector = recogniser.voice_activity()
        spans: list[SpeechSpan] = []
        for start in range(0, len(pcm), _BLOCK):
            spans += detector.feed(pcm[start : start + _BLOCK])
        spans += detector.finish()
    return watch.cost.cpu_s, spans
