"""Paraformer with its encoder and decoder in ONNX Runtime: words, times, choice and memory."""

from __future__ import annotations

import functools
import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from shared.errors import ModelUnavailable
from tests.support.speech import speech_models
from tests.support.speech.demo_speech import character_error_rate
from worker.engine.calibration import calibrate
from worker.engine.calibration.calibrate import calibration_key
from worker.engine.calibration.probe_batches import live_peak_bytes, noise
from worker.engine.family import ProbeShape
from worker.engine.funasr_recogniser import FunASRRecogniser, load_recogniser
from worker.engine.onnx.sanm import NotWritable
from worker.engine.paraformer import onnxruntime_paraformer
from worker.engine.paraformer.network import Paraformer
from worker.engine.paraformer.onnxruntime_paraformer import ParaformerInOnnxRuntime
from worker.engine.paraformer.uncalibrated_memory import FRAME_SECONDS
from worker.engine.precision import Precision
from worker.memory.batch_memory_model import C_LIBRARY
from worker.memory.calibration_fit import Measurement
from worker.recogniser import EMPTY_REQUEST, Pcm, RecognisedSpan

CPU = torch.device("cpu")


@functools.cache
def loaded(runtime: str, precision: str = "float32") -> FunASRRecogniser:
    return load_recogniser("demo", device="cpu", precision=precision, cpu_runtime=runtime)


@functools.cache
def spans() -> tuple[Pcm, ...]:
    """A minute's spans, clean and in noise."""
    pcm = speech_models.excerpt(0, 60)
    detector = loaded("torch").voice_activity()
    found = [*detector.feed(pcm), *detector.finish()]
    noise = np.random.default_rng(0).normal(0, 500, len(pcm))
    noisy = np.clip(pcm + noise, -32_768, 32_767).astype(np.int16)
    return tuple(sound[span.start : span.end] for sound in (pcm, noisy) for span in found)


def heard(recogniser: FunASRRecogniser, size: int) -> list[RecognisedSpan]:
    said: list[RecognisedSpan] = []
    for begin in range(0, len(spans()), size):
        said += recogniser.recognise(spans()[begin : begin + size], EMPTY_REQUEST)
    return said


def text(said: list[RecognisedSpan]) -> str:
    return "".join(word.word for span in said for word in span.words)


def test_words_and_times_are_torch_s() -> None:
    assert heard(loaded("onnxruntime"), 100) == heard(loaded("torch"), 100)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_span_is_the_same_in_any_company(precision: str) -> None:
    alone, *others = (heard(loaded("onnxruntime", precision), size) for size in (1, 7, 100))
    for other in others:
        assert other == alone


def test_int8_hears_nearly_what_float32_hears() -> None:
    exact, near = (
        text(heard(loaded("onnxruntime", precision), 100)) for precision in ("float32", "int8")
    )
    assert character_error_rate(exact, near) <= 0.02
    assert loaded("onnxruntime", "int8").identity.dtype == "int8"


def test_silence_says_nothing() -> None:
    silent = np.zeros(16_000, np.int16)
    assert loaded("onnxruntime").recognise([silent] * 2, EMPTY_REQUEST) == [RecognisedSpan()] * 2


def test_its_text_and_its_memory_are_taken_for_no_other_s(tmp_path: Path) -> None:
    both = [loaded(runtime).identity for runtime in ("torch", "onnxruntime")]
    assert both[0].revision != both[1].revision
    assert len({calibration_key(CPU, one).file_in(tmp_path) for one in both}) == 2


def test_memory_is_measured_where_the_runtime_takes_it_and_is_no_more_than_is_planned() -> None:
    network = loaded("onnxruntime")._speech_network
    assert network.memory_estimate.bytes_per_second_squared > 0
    planned = network.memory_estimate.held_by(C_LIBRARY)
    for shape in (ProbeShape(2, 2.5), ProbeShape(2, 60.0)):
        taken = live_peak_bytes(CPU, network, noise(shape))
        assert taken <= planned.activation_bytes(shape.padded_s, shape.longest_s)
    matrix = network._heads * (shape.longest_s / FRAME_SECONDS) ** 2 * 4
    assert taken > shape.spans * matrix  # of scores, which torch's own count does not see


def test_calibration_keeps_the_term_of_the_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recogniser = loaded("onnxruntime")
    network = recogniser._speech_network
    shapes = network.probes.memory
    linear = [
        Measurement(shape.padded_s, shape.longest_s, 5e5 * shape.padded_s) for shape in shapes
    ]
    monkeypatch.setattr(calibrate, "measure", lambda *_: linear)
    found = calibrate.calibrated(network, CPU, recogniser.identity, 1 << 34, tmp_path)
    assert found is not None
    estimate = network.memory_estimate
    assert found.memory.bytes_per_second_squared == estimate.bytes_per_second_squared > 0


@pytest.mark.parametrize(
    ("wanted", "precision", "flags", "runtime"),
    [
        ("auto", "float32", "fpu avx2 fma", "torch"),
        ("auto", "int8", "fpu avx2 fma", "onnxruntime"),
        ("auto", "int8", "fpu avx2 fma avx512f avx512_vnni", "onnxruntime"),
        ("auto", "bfloat16", "fpu avx2 fma", "torch"),
        ("torch", "float32", "fpu avx2 fma", "torch"),
        ("onnxruntime", "float32", "fpu sse4_2", "onnxruntime"),
        ("onnxruntime", "bfloat16", "fpu avx2 fma", "torch"),
    ],
)
def test_auto_takes_what_was_measured_to_be_ahead(
    wanted: str, precision: str, flags: str, runtime: str, tmp_path: Path
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"model name : any\nflags : {flags}\n")
    assert Precision(precision, CPU, wanted, cpuinfo).runtime == runtime


def test_without_its_packages_auto_is_torch_and_asking_for_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags : fpu avx2 fma\n")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("worker.engine.precision.multiplies_in_int8", lambda: True)
    assert Precision("int8", CPU, "auto", cpuinfo).runtime == "torch"
    with pytest.raises(ModelUnavailable, match="needs the packages onnx and onnxruntime"):
        Precision("float32", CPU, "onnxruntime", cpuinfo)


def test_networks_are_of_the_runtime_that_is_wanted() -> None:
    assert type(loaded("onnxruntime")._speech_network) is ParaformerInOnnxRuntime
    assert type(loaded("torch")._speech_network) is Paraformer


def test_a_network_that_no_graph_is_written_of_runs_in_torch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise NotWritable("a decoder of another kind")

    monkeypatch.setattr(onnxruntime_paraformer, "decoder_graph", refuse)
    with caplog.at_level(logging.WARNING):
        other = load_recogniser("demo", device="cpu", cpu_runtime="onnxruntime")
    assert "runs in torch, for it has a decoder of another kind" in caplog.text
    assert other.recognise(spans()[:3], EMPTY_REQUEST) == heard(loaded("torch"), 3)[:3]
    assert other.identity == loaded("torch").identity
