"""`make bench-gpu`'s command on the CPU with the bundled model: every step, in its own process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from worker.bench.gpu.child import Notes
from worker.bench.gpu.residue import characters_differing, residue
from worker.bench.gpu.steps import DONE, FAILED, SKIPPED, StepFailed, Steps, in_child

OPTIONS = ("--device", "cpu", "--model", "demo")
COMMAND = (sys.executable, "-m", "worker.bench.gpu", *OPTIONS)
WARM_COMMAND = (sys.executable, "-m", "tests.support.warm_steps", *OPTIONS)
"""The same with torch imported once for all steps."""


@pytest.mark.timeout(900)
def test_every_step_gives_figures_on_a_cpu(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    done = subprocess.run(
        [
            *WARM_COMMAND,
            "--minutes",
            "0.25",
            "--workers",
            "1,2",
            "--budget-s",
            "800",
            "--out",
            str(out),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text(encoding="utf-8"))
    outcomes = {step["name"]: step["status"] for step in report["steps"]}
    # A CPU refuses it; that this is told, and the rest goes on, belongs to what is tested.
    assert outcomes.pop("float16") == FAILED
    assert len(outcomes) == 7
    assert set(outcomes.values()) == {DONE}, report["steps"]

    assert list(report["precisions"]) == ["float32", "bfloat16"]
    for figures in report["precisions"].values():
        assert [size["asked"] for size in figures["sizes"]] == ["alone", "60", "300", "600", "auto"]
        assert all(size["padding"] <= 1.10 for size in figures["sizes"])
        assert {"encoder", "predictor", "decoder", "voice activity", "decoding AAC"} <= set(
            figures["stages"]
        )
        assert all(seconds > 0 for seconds in figures["stages"].values())
        assert figures["whole_m4a"]["audio_s"] == pytest.approx(15, abs=0.5)
        assert figures["whole_wav"]["characters"] > 40
    memory = report["precisions"]["float32"]["memory"]
    assert len(memory) == 4
    assert all(0.9 < row["predicted_bytes"] / row["measured_bytes"] < 1.1 for row in memory)

    exact = [row for row in report["residue"] if row["precision"] == "float32"]
    assert all(row["against_alone"] == 0 for row in exact)
    assert len(report["residue"]) == 10
    assert [row["workers"] for row in report["sharing"]] == [1, 2, 1, 2]
    assert all(row["same_text"] for row in report["sharing"])
    assert [run["failure"] for run in report["stock"]] == [""]
    out_of_memory = report["out_of_memory"]
    assert out_of_memory["halved"] > 0
    assert out_of_memory["segments_differing"] == 0
    for heading in ("## float32", "## bfloat16", "## Characters", "## Stock", "## Out of memory"):
        assert heading in done.stdout


def test_a_device_that_is_not_there_is_told_by_every_step(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    done = subprocess.run(
        [
            *(*COMMAND, "--device", "cuda:7", "--minutes", "0.2", "--workers", "1"),
            *("--precisions", "float32", "--out", str(out)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "sees 0 GPUs" in done.stdout
    assert [step["status"] for step in json.loads(out.read_text())["steps"]][1] == FAILED


class TestSteps:
    def test_a_step_that_fails_is_told_and_the_next_one_runs(self) -> None:
        said: list[str] = []
        steps = Steps(100, said.append)

        def fail() -> dict[str, object]:
            raise ValueError("first line\nthe reason")

        assert steps.run("one", 1, fail) is None
        assert steps.run("two", 1, lambda: {"figure": 1}) == {"figure": 1}
        assert [(step.status, step.why) for step in steps.results] == [
            (FAILED, "the reason"),
            (DONE, ""),
        ]
        assert any("the reason" in line for line in said)

    def test_a_step_that_no_longer_fits_is_skipped(self) -> None:
        steps = Steps(5, lambda _: None)
        assert steps.run("long", 60, lambda: pytest.fail("it must not run")) is None
        assert steps.results[0].status == SKIPPED
        assert "needs about 60" in steps.results[0].why


class TestResidue:
    def test_characters_are_counted_span_by_span(self) -> None:
        assert characters_differing(["今天", "开会", ""], ["今天", "开了会", "好"]) == 2

    def test_other_spans_cannot_be_compared(self) -> None:
        def figures(*texts: str) -> dict[str, object]:
            return {"sizes": [{"asked": "alone", "texts": list(texts)}]}

        rows = residue({"float32": figures("一", "二"), "float16": figures("一二")})
        assert [row["against_float32"] for row in rows] == [0, None]


class TestChild:
    MODULE = "tests.support.doubles.bench_child"

    def run(self, tmp_path: Path, how: str, timeout_s: float = 60) -> dict[str, object]:
        return in_child(self.MODULE, {"task": how}, tmp_path, timeout_s)

    def test_what_a_step_wrote_before_it_failed_is_kept(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "fails") == {"problems": ["the reason"], "figure": 1}

    def test_what_a_step_wrote_before_its_time_was_over_is_kept(self, tmp_path: Path) -> None:
        figures = self.run(tmp_path, "hangs", timeout_s=15)
        assert figures == {"problems": ["not done within 15 s"], "figure": 1}

    def test_a_step_without_figures_fails_with_its_last_words(self, tmp_path: Path) -> None:
        with pytest.raises(StepFailed, match=r"^no device$"):
            self.run(tmp_path, "says why")


def test_a_part_that_fails_leaves_the_other_figures(tmp_path: Path) -> None:
    notes = Notes(tmp_path / "answer.json")
    notes.take("one", lambda: 1)
    notes.take("two", lambda: 1 // 0)
    notes.take("three", lambda: 3)
    written = json.loads((tmp_path / "answer.json").read_text())
    assert written == {
        "problems": ["two: integer division or modulo by zero"],
        "one": 1,
        "three": 3,
    }
