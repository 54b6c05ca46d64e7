"""The memory model measured: what it predicts, over what batches that it never saw really take."""

from __future__ import annotations

import copy
import functools
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.support.speech.demo_speech import meeting
from worker.demo_model.recipe.architecture import ASR_CONFIG, BiCifParaformer
from worker.engine.calibration import calibrate, probe_batches
from worker.engine.calibration.probe_batches import (
    live_peak_bytes,
    measure,
    measure_cost,
    memory_probes,
    noise,
)
from worker.engine.family import ProbeShape
from worker.engine.fbank import Fbank
from worker.engine.funasr_recogniser import FunASRRecogniser, load_recogniser
from worker.engine.loading.build import LoadedNetwork
from worker.engine.paraformer.network import Paraformer
from worker.memory.batch_memory_model import C_LIBRARY, MIB, MemoryModel
from worker.memory.calibration_fit import (
    LEAST_FIXED_S,
    MOST_FIXED_S,
    Calibration,
    fit_memory_model,
)
from worker.recogniser import EMPTY_REQUEST, BatchOutOfMemory

CPU = torch.device("cpu")

HELD_OUT = tuple(
    ProbeShape(spans, longest_s)
    for spans, longest_s in (
        (2, 8.0),
        (3, 5.0),
        (6, 4.0),
        (20, 1.0),
        (3, 20.0),
        (2, 30.0),
        (8, 10.0),
        (30, 3.0),
        (2, 60.0),
        (40, 3.5),
        (4, 40.0),
        (10, 20.0),
    )
)


@functools.cache
def recogniser() -> FunASRRecogniser:
    """In torch, whose allocations are counted to the byte."""
    return load_recogniser("demo", device="cpu", cpu_runtime="torch")


@functools.cache
def demo() -> Paraformer:
    return recogniser()._speech_network


@functools.cache
def large() -> Paraformer:
    """Paraformer-large's widths and vocabulary with random weights, 3 + 2 layers of its 50 + 16.

    Layers follow each other in the same memory, so the peak is that of the whole.
    """
    config = copy.deepcopy(ASR_CONFIG)
    config["encoder_conf"] |= {"output_size": 512, "linear_units": 2048, "num_blocks": 3}
    config["decoder_conf"] |= {"linear_units": 2048, "num_blocks": 2, "att_layer_num": 2}
    config["predictor_conf"] |= {"idim": 512}
    parts = ("encoder", "encoder_conf", "decoder", "decoder_conf", "predictor", "predictor_conf")
    recogniser()  # registers FunASR's classes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BiCifParaformer(
            **config["model_conf"],
            **{part: config[part] for part in parts},
            input_size=560,
            vocab_size=8404,
        )
    model.eval().requires_grad_(False)
    cmvn = torch.stack([torch.zeros(560), torch.ones(560)])
    tokens = ["<blank>", "<s>", "</s>", *(chr(0x4E00 + i) for i in range(8400)), "<unk>"]
    return Paraformer(LoadedNetwork(model, cmvn, 7, 6, tokens), Fbank(CPU), CPU)


@functools.cache
def fitted(network: Paraformer) -> MemoryModel:
    architecture = network.memory_estimate
    seen = measure(network, CPU, headroom_bytes=2**34, time_limit_s=120)
    assert len(seen) == len(network.probes.memory)
    return fit_memory_model(seen, architecture)


@pytest.mark.parametrize("network", [demo, pytest.param(large, marks=pytest.mark.bench)])
def test_batches_that_were_no_probes_are_predicted_within_a_tenth(
    network: Callable[[], Paraformer],
) -> None:
    model = fitted(network())
    ratios = {
        shape: model.activation_bytes(shape.padded_s, shape.longest_s)
        / live_peak_bytes(CPU, network(), noise(shape))
        for shape in HELD_OUT
    }
    print({(s.spans, s.longest_s): round(ratio, 3) for s, ratio in ratios.items()})
    assert all(0.9 <= ratio <= 1.1 for ratio in ratios.values()), ratios


@pytest.mark.parametrize("network", [demo, pytest.param(large, marks=pytest.mark.bench)])
def test_spans_of_one_length_stay_within_what_the_planner_counts_on_a_cpu(
    network: Callable[[], Paraformer],
) -> None:
    """A span alone too: oneDNN's recurrent layer takes another way there, and more memory."""
    model = fitted(network())
    for shape in (ProbeShape(1, 10), ProbeShape(1, 60), ProbeShape(2, 10), ProbeShape(8, 10)):
        peak = live_peak_bytes(CPU, network(), noise(shape, shortest=1.0))
        live = model.activation_bytes(shape.padded_s, shape.longest_s)
        assert peak <= 1.5 * live + 10e6
        held = model.held_by(C_LIBRARY).activation_bytes(shape.padded_s, shape.longest_s)
        assert peak <= held


def test_measuring_is_exact() -> None:
    speech = noise(ProbeShape(3, 4.0))
    assert len({live_peak_bytes(CPU, demo(), speech) for _ in range(3)}) == 1


def test_a_gpu_is_measured_up_to_batches_of_ten_minutes() -> None:
    on_cpu, on_gpu = (memory_probes(demo(), torch.device(kind)) for kind in ("cpu", "cuda"))
    assert on_gpu[: len(on_cpu)] == on_cpu
    sizes = [shape.padded_s for shape in on_gpu]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 600.0


def test_speech_takes_the_memory_that_noise_takes() -> None:
    """Noise gives hardly a token, speech some twenty a span: the peak is the encoder's in both."""
    (shape,) = demo().probes.memory[1:2]
    length = len(noise(shape)[0])
    talk = meeting(60).samples
    speech = [talk[begin : begin + length] for begin in range(0, shape.spans * length, length)]
    assert (
        sum(len(span.words) for span in demo().recognise(speech, EMPTY_REQUEST)) > 5 * shape.spans
    )
    alike = noise(shape, shortest=1.0)
    assert live_peak_bytes(CPU, demo(), speech) == live_peak_bytes(CPU, demo(), alike)


def test_what_a_forward_pass_costs_can_be_measured() -> None:
    """On the CPU, where nobody asks for it: with smaller probes, and only that it is sane."""
    architecture = demo().memory_estimate
    shapes = (ProbeShape(4, 2.5), ProbeShape(1, 10.0), ProbeShape(3, 10.0))
    cost = measure_cost(demo(), CPU, architecture, 2**34, shapes)
    assert cost is not None
    assert LEAST_FIXED_S <= cost.fixed_s <= MOST_FIXED_S
    assert measure_cost(demo(), CPU, architecture, 2**20, demo().probes.cost) is None


class TestCalibrating:
    @pytest.fixture(autouse=True)
    def with_time_for_every_probe(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """However busy the machine is: what is measured is memory."""
        monkeypatch.setattr(calibrate, "measure", functools.partial(measure, time_limit_s=600.0))

    def calibrated(self, folder: Path, headroom_bytes: int = 2**34) -> Calibration | None:
        return calibrate.calibrated(demo(), CPU, recogniser().identity, headroom_bytes, folder)

    @pytest.mark.bench
    def test_what_the_first_start_costs_with_the_bundled_model(self, tmp_path: Path) -> None:
        demo().recognise(noise(ProbeShape(2, 1.0)))
        started = time.process_time()
        assert self.calibrated(tmp_path) is not None
        print(f"\ncalibration: {time.process_time() - started:.2f} CPU s")

    def test_the_second_start_measures_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = self.calibrated(tmp_path)
        monkeypatch.setattr(calibrate, "measure", None)
        assert self.calibrated(tmp_path) == first

    def test_a_damaged_file_is_measured_again(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        first = self.calibrated(tmp_path)
        (file,) = tmp_path.iterdir()
        file.write_text("{")
        with caplog.at_level(logging.WARNING):
            assert self.calibrated(tmp_path) == first
        assert "measured anew" in caplog.text
        assert file.read_text() != "{"

    def test_without_room_or_time_nothing_is_measured(self, tmp_path: Path) -> None:
        assert self.calibrated(tmp_path, headroom_bytes=4 * MIB) is None
        assert measure(demo(), CPU, 2**34, time_limit_s=0.0) == []

    def test_a_probe_that_runs_out_of_memory_ends_the_measuring(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> int:
            raise BatchOutOfMemory("no room")

        monkeypatch.setattr(probe_batches, "live_peak_bytes", refuse)
        assert self.calibrated(tmp_path) is None
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_cannot_be_written_costs_only_the_next_start_its_time(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "file").write_text("")
        with caplog.at_level(logging.WARNING):
            assert self.calibrated(tmp_path / "file" / "folder") is not None
        assert "could not be kept" in caplog.text

    def test_the_recogniser_plans_with_what_the_system_gives(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        estimate = recogniser().memory_model
        monkeypatch.setattr(recogniser(), "_memory_model", estimate)
        recogniser().calibrate(tmp_path)
        measured = recogniser().memory_model
        assert measured.calibrated and not estimate.calibrated
        live = self.calibrated(tmp_path)
        assert live is not None
        assert measured.bytes_per_second == live.memory.bytes_per_second * C_LIBRARY.per_live_byte
        assert measured.resident_bytes > 100 * MIB
