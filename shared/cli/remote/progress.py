"""Bars on a terminal, for what is sent and what is worked on, and why it stands still."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn


class Bars:
    """Bars on standard error while entered, if that is a terminal."""

    def __init__(self, *, enabled: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            console=Console(file=sys.stderr),
            disable=not (enabled and sys.stderr.isatty()),
        )
        self._jobs: dict[str, TaskID] = {}

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    @contextmanager
    def sending(self, name: str, size_bytes: int) -> Iterator[Callable[[int], None]]:
        """Show how much of a file is sent, as the given function is told."""
        task = self._progress.add_task(f"sending {name}", total=size_bytes)
        yield lambda sent: self._progress.update(task, completed=sent)

    def show(self, job_id: str, job: dict[str, Any]) -> None:
        """Show how a job stands."""
        if job_id not in self._jobs:
            self._jobs[job_id] = self._progress.add_task("", total=1.0)
        told = f"{job.get('stage') or job['status']} {job['filename']}"
        self._progress.update(self._jobs[job_id], description=told, completed=job["progress"] or 0)


def once_each(tell: Callable[[str], None]) -> Callable[[str], None]:
    """A function that passes each text on to `tell` the first time only."""
    told: set[str] = set()

    def unless_told(text: str) -> None:
        if text not in told:
            told.add(text)
            tell(text)

    return unless_told
