"""Measurement of several workers on one device: each its own process and copy of the model, one
file each."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from worker.bench.gpu.child import ANSWER, READY
from worker.bench.gpu.steps import StepFailed, child_environment, last_line


class Workers:
    """Processes that have the model loaded and wait; killed when the block is left or over time."""

    def __init__(self, task: dict[str, Any], count: int, timeout_s: float) -> None:
        self._folder = Path(task["folder"])
        self._children: list[subprocess.Popen[str]] = []
        self._logs: list[Path] = []
        self._overtime = threading.Timer(timeout_s, self._end_late)
        self._late = ""
        self._timeout_s = timeout_s
        for number in range(count):
            asked = self._folder / f"share-{task['precision']}-{number}.json"
            asked.write_text(json.dumps(task | {"task": "share"}), encoding="utf-8")
            self._logs.append(asked.with_suffix(".log"))
            self._children.append(_start(asked, self._logs[-1]))

    def __enter__(self) -> Self:
        self._overtime.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._overtime.cancel()
        self._kill()
        for child in self._children:
            child.wait()
            assert child.stdin is not None and child.stdout is not None
            child.stdin.close()
            child.stdout.close()

    def wait_until_ready(self) -> None:
        for number in range(len(self._children)):
            self._read(number, READY)

    def transcribe(self, count: int) -> dict[str, Any]:
        """A file each by the first `count` workers at once."""
        begun = time.perf_counter()
        for child in self._children[:count]:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        runs = [json.loads(self._read(number, ANSWER)) for number in range(count)]
        wall_s = time.perf_counter() - begun
        audio_s = sum(run["audio_s"] for run in runs)
        return {
            "workers": count,
            "wall_s": wall_s,
            "audio_s": audio_s,
            "x_real_time": audio_s / wall_s,
            "cpu_s": sum(run["cpu_s"] for run in runs),
            "same_text": len({run["text_sha256"] for run in runs}) == 1,
        }

    def _read(self, number: int, beginning: str) -> str:
        stdout = self._children[number].stdout
        assert stdout is not None
        for line in stdout:
            if line.startswith(beginning):
                return line.removeprefix(beginning)
        raise StepFailed(self._late or last_line(self._logs[number]) or "a worker ended")

    def _end_late(self) -> None:
        self._late = f"not done within {self._timeout_s:.0f} s"
        self._kill()

    def _kill(self) -> None:
        for child in self._children:
            if child.poll() is None:
                child.kill()


def share(
    task: dict[str, Any], counts: Sequence[int], timeout_s: float
) -> tuple[list[dict[str, Any]], str]:
    """Measure each number of workers together, and give the reason if the list ends early.

    Raises StepFailed if not even the first count comes to an end.
    """
    rounds: list[dict[str, Any]] = []
    with Workers(task, max(counts), timeout_s) as workers:
        workers.wait_until_ready()
        for count in counts:
            try:
                rounds.append(workers.transcribe(count))
            except (StepFailed, BrokenPipeError) as error:
                if not rounds:
                    raise StepFailed(str(error)) from error
                return rounds, f"{count} workers: {error}"
    return rounds, ""


def _start(asked: Path, log: Path) -> subprocess.Popen[str]:
    with log.open("w", encoding="utf-8") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "worker.bench.gpu.child", str(asked), "-"],
            env=child_environment(threads=2),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )
