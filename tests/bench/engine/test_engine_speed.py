"""Processor seconds of FunASR's generate() over ours: same samples, weights and thresholds."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.measuring.engine_run import Run
from tests.support.speech.demo_speech import character_error_rate, meeting
from worker.engine.layers.int8 import multiplies_in_int8
from worker.engine.reference.random_model import SIZES, make_random_model

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

DEMO = "demo"


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
        if how not in self._runs:
            self._runs[how] = self._run(*how)
        return self._runs[how]

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
        f"{stock.cpu_s / ours.cpu_s:.2f} times as fast (at least {limit})"
    )


def test_the_bundled_model(recorded: Recordings) -> None:
    recording = recorded(600)
    stock, ours = recording.run("stock", DEMO), recording.run("ours", DEMO)
    _say("bundled model, 10 minutes", stock, ours, 4.0)
    assert (ours.words, ours.times, ours.segments) == (stock.words, stock.times, stock.segments)
    assert stock.cpu_s / ours.cpu_s >= 4.0


@pytest.mark.parametrize("seconds", [300, 1_800])
def test_the_large_architecture(large: str, seconds: int, recorded: Recordings) -> None:
    recording = recorded(seconds)
    stock, ours = recording.run("stock", large), recording.run("ours", large)
    _say(f"large architecture, {seconds} s", stock, ours, 1.7)
    assert (ours.words, ours.times, ours.segments) == (stock.words, stock.times, stock.segments)
    assert stock.cpu_s / ours.cpu_s >= 1.7


@pytest.mark.skipif(not multiplies_in_int8(), reason="int8 is refused on this processor")
@pytest.mark.parametrize("seconds", [300, 1_800])
def test_the_large_architecture_in_int8(large: str, seconds: int, recorded: Recordings) -> None:
    recording = recorded(seconds)
    stock, ours = recording.run("stock", large), recording.run("ours", large, "int8")
    _say(f"large architecture, {seconds} s, int8", stock, ours, 2.8)
    assert ours.segments == stock.segments
    assert stock.cpu_s / ours.cpu_s >= 2.8


@pytest.mark.skipif(not multiplies_in_int8(), reason="int8 is refused on this processor")
def test_what_int8_hears(recorded: Recordings) -> None:
    recording = recorded(3_600)
    exact, rounded = recording.run("ours", DEMO), recording.run("ours", DEMO, "int8")
    alone = recording.run("ours", DEMO, "int8", "1")
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
