"""The decoding child as its parent sees it: start, clocks, pipes, verdict, end."""

from __future__ import annotations

import contextlib
import fcntl
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
    SandboxUnavailable,
    UnsupportedMedia,
    WorkerLost,
)
from worker.audio.decoder.claims import Claim, DoneClaim, HeaderClaim, read_done, read_header, text
from worker.audio.decoder.limits import DecodeLimits

log = logging.getLogger(__name__)

_SOURCE_ROOT = Path(__file__).resolve().parents[3]
_LINE_BYTES = 1 << 18
"""Longest line that is read from a child; the account of 32 tracks needs 100 kB at most, a
traceback's lines less."""

_LOGGED_LINES = 40
_LOGGED_BYTES = 500
"""Lines that are logged where a child writes no JSON, and bytes of each: enough for a traceback,
too little to fill a disk."""

_PIPE_BYTES = 1 << 20
"""Sound that waits in the pipe, 8 s of a stereo track, so that a reader who is busy for a moment
does not stop the decoder. The kernel's own choice is 64 KiB."""

_ASK_EVERY_S = 0.2
"""Seconds to wait for a silent child before asking again whether its sound is still needed."""

_EXIT_WITHIN_S = 10.0
"""Seconds that a child may take to exit once its last sample is out."""


class Abandoned(Exception):
    """The sound is not needed any more."""


class DecoderProcess:
    """The decoding process, its two pipes and the clocks that it runs under.

    Whatever waits for the child raises Abandoned soon after another thread has set `abandoned`.
    """

    def __init__(
        self,
        source: Path | int,
        limits: DecodeLimits,
        abandoned: threading.Event,
        track: int | None = None,
    ) -> None:
        self._limits = limits
        self._abandoned = abandoned
        self._waited_s = 0.0
        self._status = bytearray()
        self._open = True
        self._complaints = 0
        self.events: dict[str, Claim] = {}
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
                    _terms(limits, track),
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
        self._sound = _pipe(self._process.stdout)
        with contextlib.suppress(OSError):  # an operator may allow no more than the usual
            fcntl.fcntl(self._sound, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._said = _pipe(self._process.stderr)
        self._poll = select.poll()
        self._poll.register(self._sound, select.POLLIN)
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
        """Fill `into` with bytes of sound; their number, smaller where the sound has ended.

        `samples` are decoded by now; the time that the child may take depends on their number.
        """
        got = 0
        silent_since = time.monotonic()
        while got < len(into):
            ready = self._wait(silent_since, self._limits.wall_budget_s(samples))
            if self._said in ready and not self._read_events():
                self._poll.unregister(self._said)
            if self._sound in ready:
                count = os.readv(self._sound, [into[got:]])
                if count == 0:
                    break
                got += count
                silent_since = time.monotonic()
        return got

    def header(self) -> HeaderClaim:
        """Claims of the child about the file; raises its error if it gave up before."""
        if "header" not in self.events:
            self.raise_failure()
        if self._limits.sandbox_required and "guard" not in self.events:
            raise SandboxUnavailable
        return read_header(self.events["header"])

    def finish(self, tracks: int) -> DoneClaim:
        """Find out whether the sound ended with the recording; raise the error if it did not."""
        self._read_to_exit()
        if self._process.returncode != 0 or "done" not in self.events:
            self.raise_failure()
        return read_done(self.events["done"], tracks)

    def raise_failure(self) -> NoReturn:
        """Raise the error that says why there is no (more) sound."""
        self._read_to_exit()
        raise _failure(self._process.returncode, self.events.get("error", {}), self._limits)

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
            if self._limits.sandbox_required:
                log.error("not decoding without a filter on system calls: %s", text(said, "reason"))
                raise SandboxUnavailable
            log.warning(
                "decoding without a filter on system calls (%s); FFmpeg's own whitelists remain",
                text(said, "reason"),
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


def _failure(status: int, said: Claim, limits: DecodeLimits) -> LongscribeError:
    code = said.get("code")
    if code == "no_such_track":
        return NoAudio(
            "This recording has fewer sound tracks than the number asked for. Submit it again "
            "without the choice of a track, or with a lower number."
        )
    if code == "dictation":
        return UnsupportedMedia(
            "This is a DSS or DS2 file of a dictation machine, which cannot be read here. Convert "
            "it to WAV or MP3 with the machine's own program, and submit that."
        )
    if code == "voice_message":
        return UnsupportedMedia(
            "This is a voice message of WeChat or QQ (SILK), which cannot be read here. Convert it "
            "to WAV or MP3, and submit that."
        )
    if code == "encrypted":
        return UnsupportedMedia(
            "The sound in this file is encrypted (copy protection), so it cannot be heard here. "
            "Submit a copy without protection."
        )
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


def _terms(limits: DecodeLimits, track: int | None) -> str:
    return json.dumps(
        {
            "parent_pid": os.getpid(),
            "memory_bytes": limits.memory_bytes,
            "cpu_s": limits.cpu_budget_s,
            "track": track,
            "sandbox_required": limits.sandbox_required,
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
