"""Paraformer with its encoder and decoder in ONNX Runtime: words, times, choice and memory."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

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


@pytest.mark.parametrize(("runtime", "precision"), [("torch", "float32"), ("onnxruntime", "int8")])
def test_what_tokens_are_chosen_from_is_the_same_to_the_last_bit_in_any_company(
    runtime: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where products are in 8 bits another last bit before them may become another code."""
    network = loaded(runtime, precision)._speech_network
    choose, given = network._choose, []

    def keep(states: Tensor, embeddings: Tensor, counts: Tensor, *rest: Any) -> Any:
        for row, count in enumerate(counts.tolist()):
            given.append((embeddings[row, :count], states[row, :count]))
        return choose(states, embeddings, counts, *rest)

    monkeypatch.setattr(network, "_choose", keep)
    network.recognise(spans())
    together = given.copy()
    given.clear()
    for span in spans():
        network.recognise([span])
    assert len(together) == len(given) == len(spans())
    for one, other in zip(together, given, strict=True):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])


def test_int8_hears_nearly_what_float32_hears() -> None:
    exact, near = (
        text(heard(loaded("onnxruntime", precision), 100)) for precision in ("float32", "int8")
    )
    assert character_error_rate(exact, near) <= 0.02
    assert loaded("onnxruntime", "int8").identity.dtype == "int8"


def test_silence_says_nothing() -> None:
    silent = np.zeros(16_000, np.int16)
    assert loaded("onnxruntime").recognise([silent] * 2, EMPTY_REQUEST) == [RecognisedSpan()] * 2


def test_silence_takes_nothing_from_its_neighbours() -> None:
    silent = np.zeros(16_000, np.int16)
    nothing, said, neither = loaded("onnxruntime").recognise(
        [silent, spans()[0], silent], EMPTY_REQUEST
    )
    assert nothing == neither == RecognisedSpan()
    assert [said] == loaded("onnxruntime").recognise([spans()[0]], EMPTY_REQUEST)


def test_its_text_and_its_memory_are_taken_for_no_other_s(tmp_path: Path) -> None:
    both = [loaded(runtime).identity for runtime in ("torch", "onnxruntime")]
    assert both[0].revision != both[1].revision
    assert len({calibration_key(CPU, one).file_in(tmp_path) for one in both}) == 2


def test_memory_is_measured_where_the_runtime_takes_it_and_is_no_more_than_is_planned() -> None:
    network = loaded("onnxruntime")._speech_network
    planned = network.memory_estimate.held_by(C_LIBRARY)
    taken = {}
    for shape in (ProbeShape(2, 2.5), ProbeShape(8, 15.0), ProbeShape(2, 60.0)):
        taken[shape.spans] = live_peak_bytes(CPU, network, noise(shape))
        assert taken[shape.spans] <= planned.activation_bytes(shape.padded_s, shape.longest_s)
    rows = 2 * 60 / FRAME_SECONDS
    assert taken[2] > rows * network.shape.model_dim * 4  # at least what one layer gives
    matrices = 2 * 4 * (60 / FRAME_SECONDS) ** 2 * 4
    assert taken[2] < taken[8] + matrices / 2  # no scores of all heads are kept


def test_calibration_takes_no_square_from_what_the_resident_set_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recogniser = loaded("onnxruntime")
    network = recogniser._speech_network
    seen = [
        Measurement(
            shape.padded_s, shape.longest_s, 5e5 * shape.padded_s + 1e5 * shape.longest_s**2
        )
        for shape in network.probes.memory
    ]
    monkeypatch.setattr(calibrate, "measure", lambda *_: seen)
    found = calibrate.calibrated(network, CPU, recogniser.identity, 1 << 34, tmp_path)
    assert found is not None
    assert found.memory.bytes_per_second_squared == 0


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
