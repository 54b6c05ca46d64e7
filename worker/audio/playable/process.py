"""The process that encodes a playable copy, from the side of the worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from worker.recogniser import Pcm

MEDIA_TYPE = "audio/webm;codecs=opus"

BYTES_A_SECOND = 4_000
"""Largest number of bytes for a second of the copy: 24 kbit/s, more for a while, and the
container."""

_SOURCE_ROOT = Path(__file__).resolve().parents[3]
_STDERR_TAIL_CHARACTERS = 2_000


class EncodingFailed(Exception):
    """The copy could not be made; the message tells how the process ended."""


class CopyEncoder:
    """Encodes 16 kHz mono samples into the new file `path`. Left without `finish`, it is killed.

    The kernel kills the process when the thread that made this ends.  With `sandbox_required` it
    fails where the kernel has no filter on system calls.  Raises OSError if `path` cannot be made.
    """

    def __init__(self, path: Path, *, sandbox_required: bool = False) -> None:
        terms = {"parent_pid": os.getpid(), "sandbox_required": sandbox_required}
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-B", "-P", "-s", "-m", "worker.audio.playable.child"),
                    json.dumps(terms),
                ],
                stdin=subprocess.PIPE,
                stdout=made,
                stderr=subprocess.PIPE,
                # Nothing of the worker's environment: it holds passwords.
                env={
                    "PYTHONPATH": str(_SOURCE_ROOT),
                    "LC_ALL": "C.UTF-8",
                    "OPENBLAS_NUM_THREADS": "1",
                },
                cwd="/",
                bufsize=0,
                start_new_session=True,
            )
        finally:
            os.close(made)
        assert self._process.stdin is not None and self._process.stderr is not None
        self._samples = self._process.stdin
        self._said = self._process.stderr

    @property
    def pid(self) -> int:
        return self._process.pid

    def write(self, block: Pcm) -> None:
        """Encode the next samples; waits while the process is behind. Raises EncodingFailed."""
        rest = np.ascontiguousarray(block, dtype="<i2").data.cast("B")
        try:
            while rest:
                rest = rest[self._samples.write(rest) :]
        except BrokenPipeError:
            raise self._failure() from None

    def finish(self) -> None:
        """Encode what is left and close the file. Raises EncodingFailed."""
        self._samples.close()
        if self._process.wait() != 0:
            raise self._failure()

    def kill(self) -> None:
        """End the process, from any thread; whoever writes gets EncodingFailed."""
        self._process.kill()

    def _failure(self) -> EncodingFailed:
        status = self._process.wait()
        said = self._said.read().decode(errors="replace")[-_STDERR_TAIL_CHARACTERS:]
        return EncodingFailed(f"the encoder ended with {status}: {said.strip()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._samples, self._said):
            pipe.close()
