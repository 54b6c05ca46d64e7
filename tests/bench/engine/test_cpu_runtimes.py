"""Processor seconds of Paraformer's network in torch and in ONNX Runtime, in turn."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch

from tests.bench.measuring.in_turn import describe, in_turn, spans_of_a_meeting
from tests.support.speech import speech_models
from tests.support.thorough import needs
from worker import demo_model
from worker.engine.fbank import Fbank
from worker.engine.layers.int8 import multiplies_in_int8
from worker.engine.paraformer.load_paraformer import load_paraformer
from worker.engine.paraformer.network import Paraformer
from worker.engine.precision import Precision
from worker.engine.reference.random_model import SIZES, make_random_model
from worker.model_store.locate import ModelFolder

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

CPU = torch.device("cpu")
SECONDS = 48
ROUNDS = 3
AT_ONCE = 8


@pytest.mark.parametrize("size", ["bundled", "large"])
def test_torch_beside_onnxruntime(size: str, tmp_path: Path) -> None:
    needs("onnxruntime", "worker")
    from worker.engine.paraformer.onnxruntime_paraformer import ParaformerInOnnxRuntime

    torch.set_num_threads(1)
    path = demo_model.ASR_DIR
    if size != "bundled":
        make_random_model(tmp_path, speech_models.meeting(), SIZES[size])
        path = tmp_path / "asr"
    folder = ModelFolder(size, path, "1")
    networks = {
        f"{name} {precision}": kind(
            load_paraformer(folder, CPU), Fbank(CPU), CPU, Precision(precision, CPU, name)
        )
        for precision in ("float32", "int8")
        for name, kind in (("torch", Paraformer), ("onnxruntime", ParaformerInOnnxRuntime))
        if (name, precision) != ("torch", "int8") or multiplies_in_int8()
    }
    spans = spans_of_a_meeting(SECONDS)
    batches = [spans[at : at + AT_ONCE] for at in range(0, len(spans), AT_ONCE)]
    said = {}

    def run(name: str) -> None:
        said[name] = [networks[name].recognise(batch) for batch in batches]

    describe(f"{size}, {SECONDS} s")
    in_turn({name: partial(run, name) for name in networks}, ROUNDS)
    if size == "bundled":
        assert said["onnxruntime float32"] == said["torch float32"]
