"""The decoding child as its parent sees it: start, clocks, pipes, verdict, end."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, NoReturn

from shared.errors import (
    DecodeTimeout,
    LongscribeError,
    NoAudio,
    UnsupportedMedia,
    WorkerLost,
)
from shared.transcripts.values import SAMPLE_BYTES
from worker.audio.decoder.limits import DecodeLimits, DecodeSummary

log = logging.getLogger(__name__)

_SOURCE_ROOT = Path(__file__).resolve().parents[3]
_LINE_BYTES = 1 << 16
"""Longest line that is read from a child; its events need 200 bytes, a traceback's lines less."""

_LOGGED_LINES = 40
_LOGGED_BYTES = 500
"""Lines that are logged where a child writes no JSON, and bytes of each: enough for a traceback,
too little to fill a disk."""

_LARGEST_FIGURE = 1e12
"""More than any count of samples or seconds; also keeps out nan, infinity and huge integers."""

_ASK_EVERY_S = 0.2
"""How long a silent child is waited for before asking again whether its sound is still needed."""

_EXIT_WITHIN_S = 10.0
"""How long a child may take to exit once its last sample is out."""


class Abandoned(Exception):
    """The sound is not needed any more."""


class DecoderProcess:
    """The decoding process, its two pipes and the clocks that it runs under.

    Whatever waits for the child raises Abandoned soon after another thread has set `abandoned`.
    """

    def __init__(
        self, source: Path | int, limits: DecodeLimits, abandoned: threading.Event
    ) -> None:
        self._limits = limits
        self._abandoned = abandoned
        self._waited_s = 0.0
        self._status = bytearray()
        self._open = True
        self._complaints = 0
        self.events: dict[str, dict[str, object]] = {}
        recording = _open_regular(source)
        try:
            self._process = subprocess.Popen(
                # -B: it may write no files, and should not try to.
                [
                    sys.executable,
                    "-B",
                    "-P",
                    "-s",
                    "-m",
                    "worker.audio.decoder.child",
                    _terms(limits),
                ],
                stdin=recording,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                # Nothing of the worker's environment: it holds passwords.
                env={"PYTHONPATH": str(_SOURCE_ROOT), "LC_ALL": "C.UTF-8"},
                cwd="/",
                bufsize=0,
                close_fds=True,
                start_new_session=True,
            )
        finally:
            os.close(recording)
        self._pcm = _pipe(self._process.stdout)
        self._said = _pipe(self._process.stderr)
        self._poll = select.poll()
        self._poll.register(self._pcm, select.POLLIN)
        self._poll.register(self._said, select.POLLIN)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for_header(self) -> None:
        """Return once the child has reported what the file holds, or has closed its pipe."""
        silent_since = time.monotonic()
        while "header" not in self.events:
            ready = self._wait(silent_since, self._limits.wall_budget_s(0))
            if self._said in ready and not self._read_events():
                return

    def read(self, into: memoryview, samples: int) -> int:
        """Fill `into` with sound; the number of bytes, which is smaller where the sound has ended.

        `samples` were read before; the time that the child may take depends on their number.
        """
        got = 0
        silent_since = time.monotonic()
        while got < len(into):
            budget = self._limits.wall_budget_s(samples + got // SAMPLE_BYTES)
            ready = self._wait(silent_since, budget)
            if self._said in ready and not self._read_events():
                self._poll.unregister(self._said)
            if self._pcm in ready:
                count = os.readv(self._pcm, [into[got:]])
                if count == 0:
                    break
                got += count
                silent_since = time.monotonic()
        return got

    def finish(self, samples: int, stray_bytes: int) -> DecodeSummary:
        """Find out whether the sound ended with the recording; raise the error if it did not."""
        self._read_to_exit()
        if self._process.returncode != 0 or "done" not in self.events:
            self.raise_failure()
        if stray_bytes or self.number("done", "samples") != samples:
            raise UnsupportedMedia("The decoder lost its place in this file. Convert it to WAV.")
        return DecodeSummary(
            samples=samples,
            corrupt_packets=int(self.number("done", "corrupt_packets")),
            silence_s=self.number("done", "silence_s"),
        )

    def raise_failure(self) -> NoReturn:
        """Raise the error that says why there is no (more) sound."""
        self._read_to_exit()
        raise _failure(
            self._process.returncode, self.events.get("error", {}).get("code"), self._limits
        )

    def number(self, event: str, field: str) -> float:
        """A figure that the child reported, 0 where it is none: the child is not trusted."""
        value = self.events.get(event, {}).get(field)
        if not isinstance(value, int | float) or not abs(value) < _LARGEST_FIGURE:
            return 0.0
        return float(value)

    def close(self) -> None:
        """Kill the child's process group, reap it, close the pipes. May be called twice."""
        if not self._open:
            return
        self._open = False
        if self._process.poll() is None:
            # Not reaped yet, so the number still is this child's, and its group's.
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _wait(self, silent_since: float, wall_budget_s: float) -> set[int]:
        """Pipes that can be read. Raises DecodeTimeout when the child's time is up."""
        while not self._abandoned.is_set():
            now = time.monotonic()
            left = min(
                self._limits.stall_s - (now - silent_since),
                wall_budget_s - self._waited_s,
            )
            # A child that never stops talking always has something ready, so time comes first.
            if left <= 0:
                raise DecodeTimeout
            ready = self._poll.poll(min(left, _ASK_EVERY_S) * 1000)
            self._waited_s += time.monotonic() - now
            if ready:
                return {descriptor for descriptor, _ in ready}
        raise Abandoned

    def _read_events(self) -> bool:
        """Read events of the child; False once it has closed that pipe."""
        said = os.read(self._said, 4096)
        if not said:
            return False
        self._status += said
        if len(self._status) > _LINE_BYTES:
            raise UnsupportedMedia
        *lines, rest = self._status.split(b"\n")
        self._status = bytearray(rest)
        for line in lines:
            self._note(bytes(line))
        return True

    def _note(self, line: bytes) -> None:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):  # a traceback, a C library's complaint, an attack
            if self._complaints < _LOGGED_LINES:
                self._complaints += 1
                log.warning("decoder: %s", line[:_LOGGED_BYTES].decode(errors="replace"))
            return
        if not isinstance(said, dict) or not isinstance(said.get("event"), str):
            return
        self.events.setdefault(said["event"], said)
        if said["event"] == "guard" and said.get("confined") is not True:
            log.warning(
                "decoding without a filter on system calls (%s); FFmpeg's own whitelists remain",
                said.get("reason"),
            )

    def _read_to_exit(self) -> None:
        """Read the remaining events, await the exit. Raises DecodeTimeout if it takes long."""
        deadline = time.monotonic() + _EXIT_WITHIN_S
        self._poll = select.poll()
        self._poll.register(self._said, select.POLLIN)
        listening = True
        while listening:
            left = deadline - time.monotonic()
            if left <= 0 or not self._poll.poll(left * 1000):
                raise DecodeTimeout
            listening = self._read_events()
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as late:
            raise DecodeTimeout from late


def _failure(status: int, code: object, limits: DecodeLimits) -> LongscribeError:
    if code == "no_audio":
        return NoAudio()
    if code == "nothing_decoded":
        return UnsupportedMedia(
            "The sound in this file is damaged or of a kind that cannot be read. Convert it to "
            "WAV, MP3, M4A or FLAC and submit it again."
        )
    if code == "memory":
        return UnsupportedMedia(
            f"Reading this file needs more than the {limits.memory_bytes >> 20} MiB of memory "
            "allowed for it. Convert it to WAV or FLAC and submit it again."
        )
    if status == -signal.SIGXCPU:
        return DecodeTimeout()
    if status == -signal.SIGKILL:
        # None of our limits does this: an operator, or the machine ran out of memory.
        return WorkerLost("The decoder was killed from outside. The job is tried again.")
    return UnsupportedMedia()


def _terms(limits: DecodeLimits) -> str:
    return json.dumps(
        {
            "parent_pid": os.getpid(),
            "memory_bytes": limits.memory_bytes,
            "cpu_s": limits.cpu_budget_s,
        }
    )


def _open_regular(source: Path | int) -> int:
    """Open a path, or duplicate a descriptor, of a file that has an end.

    A fifo or a device would feed us for ever.
    """
    if isinstance(source, int):
        descriptor = os.dup(source)
    else:
        # Without O_NONBLOCK, opening a fifo waits for somebody to write to it.
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        os.close(descriptor)
        raise UnsupportedMedia("This is not a regular file, so it cannot be a recording.")
    if facts.st_size == 0:
        os.close(descriptor)
        raise NoAudio("This file is empty. Check that the recording was saved, and send it again.")
    os.lseek(descriptor, 0, os.SEEK_SET)  # a duplicate stands where the original does
    return descriptor


def _pipe(stream: IO[bytes] | None) -> int:
    assert stream is not None
    return stream.fileno()
