"""Processor seconds of FunASR's generate() over ours: same samples, weights and thresholds.

`ENGINE_SPEED_ROUNDS` says how often each way goes through a recording, in turns; the least counts.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.bench.measuring.engine_run import Run
from tests.support.speech.demo_speech import character_error_rate, meeting
from worker.engine.instruction_sets import instruction_sets
from worker.engine.layers.int8 import multiplies_in_int8
from worker.engine.reference.random_model import SIZES, make_random_model

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

DEMO = "demo"

ROUNDS = int(os.environ.get("ENGINE_SPEED_ROUNDS", "1"))

LARGE_WAYS = {
    ("float32", "torch"): 2.0,
    ("float32", "onnxruntime"): 2.0,
    ("int8", "onnxruntime"): 4.0,
    ("int8", "torch"): 4.0,
}
"""Precision and runtime of the large network, and how many times as fast as stock each is at
least."""

Recordings = Callable[[float], "Recording"]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    folder = tmp_path_factory.mktemp("meetings")
    return functools.cache(lambda seconds: Recording(seconds, folder))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Paraformer-large's architecture with random weights, and ct-punc-c's: what was measured from
    the first release on."""
    folder = tmp_path_factory.mktemp("large")
    make_random_model(folder, meeting(180).samples, SIZES["large-ct-punc-c"])
    return str(folder)


class Recording:
    """A meeting of so many seconds, and what was measured on it."""

    def __init__(self, seconds: float, folder: Path) -> None:
        self.text = meeting(seconds).text
        self._samples = folder / f"meeting-{seconds:.0f}.pcm"
        self._runs: dict[tuple[str, ...], Run] = {}
        meeting(seconds).samples.tofile(self._samples)

    def run(self, *how: str) -> Run:
        """In a process of its own, on one thread, once."""
        return self.runs([how])[how]

    def runs(self, ways: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], Run]:
        """The cheapest run of each, which take turns for so many rounds."""
        for how in [how for how in ways if how not in self._runs] * ROUNDS:
            run = self._run(*how)
            self._runs[how] = min(self._runs.get(how, run), run, key=lambda run: run.cpu_s)
        return {how: self._runs[how] for how in ways}

    def _run(self, kind: str, model: str, *rest: str) -> Run:
        report = self._samples.with_suffix(".json")
        program = [sys.executable, "-m", "tests.bench.measuring.engine_run"]
        subprocess.run(
            [*program, kind, model, str(self._samples), str(report), *rest],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return Run(**json.loads(report.read_text(encoding="utf-8")))


def _say(what: str, stock: Run, ours: Run, limit: float) -> None:
    print(
        f"\n{what}: generate() {stock.cpu_s:.2f} CPU s, ours {ours.cpu_s:.2f}: "
        f"{stock.cpu_s / ours.cpu_s:.2f} times as fast (at least {limit}); {instruction_sets()}; "
        f"load {os.getloadavg()[1]:.0f}"
    )


def test_the_bundled_model(recorded: Recordings) -> None:
    recording = recorded(600)
    stock, ours = recording.runs([("stock", DEMO), ("ours", DEMO)]).values()
    _say("bundled model, 10 minutes", stock, ours, 4.0)
    assert (ours.words, ours.times, ours.segments) == (stock.words, stock.times, stock.segments)
    assert stock.cpu_s / ours.cpu_s >= 4.0


@pytest.mark.parametrize("seconds", [300, 1_800])
def test_the_large_architecture(large: str, seconds: int, recorded: Recordings) -> None:
    recording = recorded(seconds)
    by_stock = ("stock", large)
    ways = {way: ("ours", large, *way) for way in LARGE_WAYS if _runs_here(*way)}
    runs = recording.runs([by_stock, *ways.values()])
    stock = runs[by_stock]
    for (precision, runtime), how in ways.items():
        what = f"large architecture, {seconds} s, {precision}, {runtime}"
        _say(what, stock, runs[how], LARGE_WAYS[precision, runtime])
    exact = runs[ways["float32", "torch"]]
    assert (exact.words, exact.times) == (stock.words, stock.times)
    for way, how in ways.items():
        assert runs[how].segments == stock.segments
        assert stock.cpu_s / runs[how].cpu_s >= LARGE_WAYS[way], way


def _runs_here(precision: str, runtime: str) -> bool:
    if runtime == "onnxruntime":
        return importlib.util.find_spec("onnxruntime") is not None
    return precision == "float32" or multiplies_in_int8()


@pytest.mark.skipif(not multiplies_in_int8(), reason="int8 is refused on this processor")
def test_what_int8_hears(recorded: Recordings) -> None:
    recording = recorded(3_600)
    exact, rounded = recording.run("ours", DEMO), recording.run("ours", DEMO, "int8")
    alone = recording.run("ours", DEMO, "int8", "auto", "1")
    print(
        f"\nbundled model, 1 hour: character error rate {_rate(recording, exact):.3%} in float32, "
        f"{_rate(recording, rounded):.3%} in int8; int8 against float32 "
        f"{character_error_rate(exact.words, rounded.words):.3%}; int8 in batches against a "
        f"segment at a time {character_error_rate(alone.words, rounded.words):.3%} of "
        f"{len(alone.words)} characters"
    )
    assert _rate(recording, rounded) <= _rate(recording, exact) + 0.005


def _rate(recording: Recording, run: Run) -> float:
    return character_error_rate(recording.text, run.words)
