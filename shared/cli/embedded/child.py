"""A process of the stack: it writes into its own log and dies with the supervisor."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from shared.cli.embedded.log_follower import as_readable

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
"""Loaded here, since little is safe between fork and exec."""

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_HEALTHY_AFTER_S = 60.0
"""A child that lived so long starts again with the shortest pause."""

_LINES_SHOWN = 15

_LOG_KEPT_BYTES = 20 * 2**20
"""A larger log is set aside; one older log is kept."""


class Child:
    """Process of the stack, started again whenever it ends. Use it from the main thread only: the
    kernel ties a child's life to the thread that started it."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.log = log
        self._argv = list(argv)
        self._env = dict(env) if env is not None else None
        self._pass_fds = tuple(pass_fds)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._restart_at: float | None = None
        self._log_start = 0
        self._group_lives = False

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._process.pid

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LOG_KEPT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            supervisor = os.getpid()

            def die_with_the_supervisor() -> None:
                _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
                if os.getppid() != supervisor:  # it died before the kernel was told
                    os._exit(1)

            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._env,
                pass_fds=self._pass_fds,
                # A group of its own: Ctrl-C reaches the supervisor only, which then stops
                # everything in order, and the whole group can be killed at once.
                start_new_session=True,
                preexec_fn=die_with_the_supervisor,
            )
        self._group_lives = True
        self._started_at = time.monotonic()
        self._restart_at = None

    def bound_log(self) -> None:
        """Set a log that has grown too large aside while the process writes to it.

        The process goes on at the beginning of the file, for it appends. What it writes between
        the copy and the cut, which is the work of a moment, is lost.
        """
        try:
            if self.log.stat().st_size <= _LOG_KEPT_BYTES:
                return
        except FileNotFoundError:  # somebody removed it; the process writes where nobody reads
            return
        draft = self.log.with_suffix(".log.draft")
        try:
            shutil.copyfile(self.log, draft)
            draft.replace(self.log.with_suffix(".log.1"))
        except OSError:  # of a disk that is full: the log leaves it, or nobody could submit
            draft.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            os.truncate(self.log, 0)
        self._log_start = 0

    def exit_status(self) -> str | None:
        """Text that says how the process ended; None while it runs."""
        code = None if self._process is None else self._process.poll()
        if code is None:
            return None
        return f"exit status {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"

    def revive(self) -> str | None:
        """Start it again if it died, after a pause that doubles; what happened, in words."""
        status = self.exit_status()
        if status is None:
            return None
        now = time.monotonic()
        if self._restart_at is None:
            self._kill_process_group()
            if now - self._started_at > _HEALTHY_AFTER_S:
                self._pause_s = _FIRST_PAUSE_S
            return f"{self.name} ended ({status}); starting it again in {self._pause(now):.0f} s"
        if now < self._restart_at:
            return None
        try:
            self.start()
        except OSError as error:  # no process, file or room to be had: that passes
            why = error.strerror or error
            return f"{self.name} cannot start ({why}); trying again in {self._pause(now):.0f} s"
        return f"{self.name} started again"

    def _pause(self, now: float) -> float:
        """Leave the next start for later, and the one after it for twice as long; seconds."""
        pause_s = self._pause_s
        self._restart_at = now + pause_s
        self._pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        return pause_s

    def ask_to_stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self, deadline: float) -> None:
        """Wait for it until `deadline` on the monotonic clock, then kill what is left of it."""
        if self._process is None:
            return
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(max(0.0, deadline - time.monotonic()))
        finally:
            self._kill_process_group()
            self._process.wait()

    def _kill_process_group(self) -> None:
        """Kill the process group, once a start: later its number may belong to others."""
        if self._process is not None and self._group_lives:
            self._group_lives = False
            with contextlib.suppress(ProcessLookupError):  # nobody of them is left
                os.killpg(self._process.pid, signal.SIGKILL)

    def last_lines(self) -> list[str]:
        """The end of what the process has written since its latest start, for people."""
        with self.log.open("rb") as log:
            # Not what is beyond its end where somebody else, logrotate for instance, cut it.
            log.seek(self._log_start if self._log_start <= self.log.stat().st_size else 0)
            lines = log.read().decode(errors="replace").splitlines()
        readable = "\n".join(as_readable(line) for line in lines[-_LINES_SHOWN:])
        return readable.splitlines()[-_LINES_SHOWN:]
