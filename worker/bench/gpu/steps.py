"""Steps one after the other: none takes the rest down with it, and all together end in time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from worker.bench.measure import Say

DONE, FAILED, SKIPPED = "done", "failed", "skipped"


@dataclass(slots=True)
class StepResult:
    name: str
    status: str
    seconds: float = 0.0
    why: str = ""
    """Reason why it failed or was skipped, in one line."""
    figures: dict[str, Any] = field(default_factory=dict)


class StepFailed(Exception):
    """A step ended without figures; the message says why, in one line."""


class Steps:
    """Runs steps until the budget is used up. `results` are in the order of running."""

    def __init__(self, budget_s: float, say: Say) -> None:
        self._ends = time.monotonic() + budget_s
        self._say = say
        self.results: list[StepResult] = []

    @property
    def left_s(self) -> float:
        return self._ends - time.monotonic()

    def run(
        self, name: str, needs_s: float, step: Callable[[], dict[str, Any]]
    ) -> dict[str, Any] | None:
        """The figures of `step`, or None where it failed or where less than `needs_s` are left."""
        left = self.left_s
        if left < needs_s:
            why = f"{left:.0f} s were left of the time allowed, and it needs about {needs_s:.0f}"
            self._note(StepResult(name, SKIPPED, why=why))
            return None
        self._say(f"{name} ... ({left:.0f} s left)")
        begun = time.monotonic()
        try:
            figures = step()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other steps still run
            why = str(error).strip() or type(error).__name__
            self._note(StepResult(name, FAILED, time.monotonic() - begun, why.splitlines()[-1]))
            return None
        self._note(StepResult(name, DONE, time.monotonic() - begun, figures=figures))
        return figures

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(result) for result in self.results]

    def _note(self, result: StepResult) -> None:
        self.results.append(result)
        for problem in result.figures.get("problems", ()):
            self._say(f"  {problem}")
        if result.status != DONE:
            self._say(f"  {result.status}: {result.why}")


def in_child(
    module: str, task: dict[str, Any], folder: Path, timeout_s: float, threads: int = 0
) -> dict[str, Any]:
    """Run `python -m module TASK.json RESULT.json` and give what it wrote.

    What it had written when it failed, or was out of time, counts; the reason is among its
    "problems".  Raises StepFailed, with the last line that it said, where it wrote nothing.
    """
    name = f"{task['task']}-{time.monotonic_ns()}"
    asked, answer = folder / f"{name}.json", folder / f"{name}-result.json"
    asked.write_text(json.dumps(task), encoding="utf-8")
    log = folder / f"{name}.log"
    problem = ""
    with log.open("w", encoding="utf-8") as said:
        try:
            done = subprocess.run(
                [sys.executable, "-m", module, str(asked), str(answer)],
                env=child_environment(threads),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=max(1.0, timeout_s),
                check=False,
            )
        except subprocess.TimeoutExpired:
            problem = f"not done within {timeout_s:.0f} s"
        else:
            if done.returncode != 0:
                problem = last_line(log) or f"exit status {done.returncode}"
    try:
        figures: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # not written, or not to its end
        raise StepFailed(problem or f"no figures: {error}") from error
    if problem:
        figures["problems"].append(problem)
    return figures


def child_environment(threads: int) -> dict[str, str]:
    """Environment of a child: this process's, without Longscribe's settings; `threads` 0 leaves
    them to torch."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LONGSCRIBE_")}
    return kept | ({"OMP_NUM_THREADS": str(threads)} if threads else {})


def last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
