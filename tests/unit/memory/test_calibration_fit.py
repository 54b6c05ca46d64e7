"""The memory model from measurements, and the file that keeps it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.engine.paraformer.uncalibrated_memory import NetworkShape, estimate_memory
from worker.memory.batch_memory_model import C_LIBRARY, MemoryModel
from worker.memory.calibration_fit import (
    LEAST_FIXED_S,
    MOST_FIXED_S,
    MOST_PER_LONGEST_S,
    Calibration,
    CalibrationKey,
    ImplausibleFit,
    Measurement,
    Timing,
    fit_memory_model,
    fit_pass_cost,
    store,
    stored,
    worst_error,
)
from worker.pass_cost import PassCost

ARCHITECTURE = estimate_memory(NetworkShape(model_dim=512, vocabulary=8404))
SHAPES = ((10.0, 2.5), (30.0, 2.5), (30.0, 10.0), (60.0, 15.0))
KEY = CalibrationKey("a device", 8 * 2**30, "revision", "float32", "2.13.0")


def measured(model: MemoryModel, noise: float = 0.0) -> list[Measurement]:
    random = np.random.default_rng(0)
    return [
        Measurement(
            padded_s,
            longest_s,
            model.activation_bytes(padded_s, longest_s) * (1 + noise * random.uniform(-1, 1)),
        )
        for padded_s, longest_s in SHAPES
    ]


@given(fixed=st.floats(0, 1e8), per_second=st.floats(6e5, 3e6))
def test_a_linear_device_is_found_again(fixed: float, per_second: float) -> None:
    device = MemoryModel(fixed, per_second)
    model = fit_memory_model(measured(device), ARCHITECTURE)
    assert model.calibrated
    for padded_s, longest_s in ((600, 60), (300, 5), (20, 2)):
        assert model.activation_bytes(padded_s, longest_s) == pytest.approx(
            device.activation_bytes(padded_s, longest_s), rel=1e-3
        )


def test_attention_without_fusion_is_found_again() -> None:
    device = MemoryModel(1e7, 1e6, 5e4)
    model = fit_memory_model(measured(device), ARCHITECTURE)
    assert model.bytes_per_second_squared == pytest.approx(5e4)
    assert model.activation_bytes(600, 60) == pytest.approx(device.activation_bytes(600, 60))


def test_a_little_noise_makes_no_quadratic_term() -> None:
    model = fit_memory_model(measured(MemoryModel(1e7, 1e6), noise=0.02), ARCHITECTURE)
    assert model.bytes_per_second_squared == 0


@given(st.lists(st.floats(1e3, 1e9), min_size=4, max_size=4))
def test_a_fit_has_no_negative_term_and_is_near_its_measurements(peaks: list[float]) -> None:
    seen = [Measurement(*shape, peak) for shape, peak in zip(SHAPES, peaks, strict=True)]
    try:
        model = fit_memory_model(seen, ARCHITECTURE)
    except ImplausibleFit:
        return
    assert worst_error(model, seen) <= 0.10
    assert model.fixed_bytes >= 0 and model.bytes_per_second_squared >= 0


@pytest.mark.parametrize(
    ("peaks", "why"),
    [
        ((1e7, 3e7, 3e7, 2e7), "less memory than a smaller one"),
        ((1e7, 3e7, 3e7, 14e7), "off one of its own"),
        ((1e5, 3e5, 3e5, 6e5), "times what the architecture does"),
        ((1e9, 3e9, 3e9, 6e9), "times what the architecture does"),
        ((1e7, 1e7, 1e7, 1e7), "times what the architecture does"),
        ((0.0, 0.0, 0.0, 0.0), "took no memory"),
        ((1e7, 3e7, 3e7, float("nan")), "took no memory"),
    ],
)
def test_what_cannot_be_right_is_refused(peaks: tuple[float, ...], why: str) -> None:
    seen = [Measurement(*shape, peak) for shape, peak in zip(SHAPES, peaks, strict=True)]
    with pytest.raises(ImplausibleFit, match=why):
        fit_memory_model(seen, ARCHITECTURE)


@pytest.mark.parametrize("count", [0, 1])
def test_one_batch_is_too_few(count: int) -> None:
    with pytest.raises(ImplausibleFit, match="two batches"):
        fit_memory_model(measured(ARCHITECTURE)[:count], ARCHITECTURE)


def test_the_system_gives_more_than_is_live() -> None:
    live = MemoryModel(1e6, 1e6, 1e3, resident_bytes=5e8, calibrated=True)
    held = live.held_by(C_LIBRARY)
    assert held.activation_bytes(100, 10) == pytest.approx(
        C_LIBRARY.fixed_bytes + C_LIBRARY.per_live_byte * live.activation_bytes(100, 10)
    )
    assert held.resident_bytes == live.resident_bytes and held.calibrated


# --- the file ----------------------------------------------------------------------------------

MODEL = fit_memory_model(measured(ARCHITECTURE), ARCHITECTURE)


def test_what_was_kept_is_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "calibration"
    assert stored(folder, KEY, ARCHITECTURE) is None
    store(folder, KEY, Calibration(MODEL, PassCost(40.0)))
    assert stored(folder, KEY, ARCHITECTURE) == Calibration(MODEL, PassCost(40.0))
    assert [file.name for file in folder.iterdir()] == [KEY.file_in(folder).name]


@pytest.mark.parametrize(
    "other",
    [
        replace(KEY, device="another"),
        replace(KEY, total_memory_bytes=1),
        replace(KEY, model_revision="another"),
        replace(KEY, dtype="bfloat16"),
        replace(KEY, torch_version="2.14.0"),
        replace(KEY, version=KEY.version + 1),
    ],
)
def test_another_device_model_or_version_has_none(tmp_path: Path, other: CalibrationKey) -> None:
    store(tmp_path, KEY, Calibration(MODEL))
    assert stored(tmp_path, other, ARCHITECTURE) is None
    KEY.file_in(tmp_path).rename(other.file_in(tmp_path))
    with pytest.raises(ValueError, match="something else"):
        stored(tmp_path, other, ARCHITECTURE)


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", "{}", "\udcff", '{"key": 1}'])
def test_a_damaged_file_says_so(tmp_path: Path, damage: str) -> None:
    KEY.file_in(tmp_path).write_bytes(damage.encode(errors="surrogateescape"))
    with pytest.raises(ValueError):
        stored(tmp_path, KEY, ARCHITECTURE)


@pytest.mark.parametrize(
    ("term", "value"),
    [("bytes_per_second", -1), ("bytes_per_second", 1), ("fixed_bytes", "many"), ("x", 1)],
)
def test_impossible_figures_in_the_file_say_so(tmp_path: Path, term: str, value: object) -> None:
    store(tmp_path, KEY, Calibration(MODEL))
    file = KEY.file_in(tmp_path)
    content = json.loads(file.read_text())
    content["model"][term] = value
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError):
        stored(tmp_path, KEY, ARCHITECTURE)


def test_an_estimate_is_not_taken_for_a_measurement(tmp_path: Path) -> None:
    store(tmp_path, KEY, Calibration(ARCHITECTURE))
    with pytest.raises(ValueError, match="not measured"):
        stored(tmp_path, KEY, ARCHITECTURE)


# --- what one more forward pass costs ------------------------------------------------------------


def test_the_time_that_does_not_grow_is_told_in_padded_seconds() -> None:
    """20 ms, 0.1 ms a padded second and 1 ms for each second of the longest span."""
    timings = [
        Timing(padded_s, longest_s, 0.020 + 0.0001 * padded_s + 0.001 * longest_s)
        for padded_s, longest_s in ((10, 2.5), (30, 15), (600, 15))
    ]
    cost = fit_pass_cost(*timings)
    assert (cost.fixed_s, cost.per_longest_s) == (pytest.approx(200), pytest.approx(10))


@given(st.floats(1e-5, 100), st.floats(1e-5, 100), st.floats(1e-5, 100))
def test_whatever_the_clock_says_the_cost_stays_within_its_limits(
    short: float, long: float, large: float
) -> None:
    cost = fit_pass_cost(Timing(10, 2.5, short), Timing(30, 15, long), Timing(600, 15, large))
    assert LEAST_FIXED_S <= cost.fixed_s <= MOST_FIXED_S
    assert 0 <= cost.per_longest_s <= MOST_PER_LONGEST_S


def test_a_larger_batch_that_took_no_longer_means_that_all_is_the_passs_own() -> None:
    cost = fit_pass_cost(Timing(10, 2.5, 0.02), Timing(30, 15, 0.02), Timing(600, 15, 0.02))
    assert cost == PassCost(MOST_FIXED_S)


@pytest.mark.parametrize("serial", [0.0, 12.0])
def test_a_cost_is_kept(tmp_path: Path, serial: float) -> None:
    measured = Calibration(MODEL, PassCost(80.0, serial))
    store(tmp_path, KEY, measured)
    assert stored(tmp_path, KEY, ARCHITECTURE) == measured


@pytest.mark.parametrize(
    "cost",
    [
        {"fixed_s": -1.0},
        {"fixed_s": 0.0},
        {"fixed_s": 1e9},
        {"fixed_s": float("nan")},
        {"fixed_s": "many"},
        {"fixed_s": 60.0, "per_longest_s": 1e9},
        {"for_nothing": 60.0},
        60.0,
    ],
)
def test_a_file_with_an_impossible_cost_is_refused(tmp_path: Path, cost: object) -> None:
    store(tmp_path, KEY, Calibration(MODEL, PassCost(60.0)))
    file = KEY.file_in(tmp_path)
    file.write_text(json.dumps(json.loads(file.read_text()) | {"pass_cost": cost}))
    with pytest.raises(ValueError):
        stored(tmp_path, KEY, ARCHITECTURE)
