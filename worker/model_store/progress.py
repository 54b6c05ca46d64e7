"""Progress of a download, for people: a bar of bytes on a terminal, a line now and then
elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from worker.model_store.download import Meter, megabytes

_A_LINE_EVERY_S = 10.0


@contextmanager
def shown_progress(output: TextIO) -> Iterator[Meter]:
    """A meter whose progress is shown on `output`."""
    if not output.isatty():
        yield _Lines(output)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(file=output)) as progress:
        yield _Bar(progress)


class _Bar:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def begin(self, name: str, total_bytes: int) -> None:
        self._task = self._progress.add_task(name.rpartition("/")[2], total=total_bytes)

    def advance(self, more_bytes: int) -> None:
        if self._task is not None:
            self._progress.advance(self._task, more_bytes)


class _Lines:
    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._name, self._total, self._done = "", 0, 0
        self._said_at = 0.0

    def begin(self, name: str, total_bytes: int) -> None:
        self._name, self._total, self._done = name, total_bytes, 0
        self._say()

    def advance(self, more_bytes: int) -> None:
        self._done += more_bytes
        if time.monotonic() - self._said_at >= _A_LINE_EVERY_S:
            self._say()

    def _say(self) -> None:
        self._said_at = time.monotonic()
        done, total = megabytes(self._done), megabytes(self._total)
        print(f"{self._name}: {done} of {total}", file=self._output, flush=True)
