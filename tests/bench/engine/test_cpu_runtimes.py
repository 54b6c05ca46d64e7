"""Processor seconds of Paraformer's network in torch and in ONNX Runtime, in turn."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.speech import speech_models
from tests.support.thorough import needs
from worker import demo_model
from worker.engine.fbank import Fbank
from worker.engine.layers.int8 import multiplies_in_int8, processor_flags
from worker.engine.paraformer.load_paraformer import load_paraformer
from worker.engine.paraformer.network import Paraformer
from worker.engine.precision import Precision
from worker.engine.reference.random_model import SIZES, make_random_model
from worker.model_store.locate import ModelFolder
from worker.recogniser import SAMPLE_RATE, Pcm

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

CPU = torch.device("cpu")
SECONDS = 48
ROUNDS = 3
AT_ONCE = 8


@pytest.mark.parametrize("size", ["bundled", "large"])
def test_torch_beside_onnxruntime(size: str, tmp_path: Path) -> None:
    needs("onnxruntime", "worker")
    from worker.engine.paraformer.in_onnxruntime import ParaformerInOnnxRuntime

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
    batches = _batches()
    sets = sorted(flag for flag in processor_flags() if flag.startswith(("avx", "amx")))
    print(f"\n{size}, {SECONDS} s; {' '.join(sets)}")
    taken: dict[str, list[float]] = {name: [] for name in networks}
    said = {}
    for _ in range(1 + ROUNDS):  # the first warms up
        for name, network in networks.items():
            begun = time.process_time()
            said[name] = [network.recognise(batch) for batch in batches]
            taken[name].append(time.process_time() - begun)
    for name, seconds in taken.items():
        print(f"{name:20} {np.median(seconds[1:]):6.2f} CPU s", *(f"{s:.2f}" for s in seconds[1:]))
    if size == "bundled":
        assert said["onnxruntime float32"] == said["torch float32"]


def _batches() -> list[list[Pcm]]:
    """The sample meeting cut anywhere into spans of 2 to 14 s, longest first."""
    random, pcm = np.random.default_rng(1), speech_models.meeting()
    spans, begin = [], 0
    while begin < SECONDS * SAMPLE_RATE:
        end = begin + int(random.uniform(2, 14) * SAMPLE_RATE)
        spans.append(np.resize(pcm, end)[begin:])
        begin = end
    spans.sort(key=len, reverse=True)
    return [spans[begin : begin + AT_ONCE] for begin in range(0, len(spans), AT_ONCE)]
