"""Starts web servers, workers and some commands from a process that has imported their code.

Importing it takes up to 0.8 CPU seconds, more than most tests of a server take besides, and some
two hundred are started.  Here one process (a zygote, as Chromium calls it) imports what they have
in common and forks one for each; what runs in the fork is what `python -m` runs, under the
settings, the output and the process group of a process of its own.  The children of a worker start
from nothing, as always, except under `warm_children` (`waiting_children.py`).  Of the ways to start
that users have, `longscribe serve`, Compose's commands and those of the command line are tested
without it.

The pytest process sends the zygote a JSON object and three file descriptors for each process: that
of a socket on which the process's id comes back, and its exit status in the end; the output's, and
the errors'.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.zygote.parent_death import die_with_parent

_RUN = ("gunicorn", "celery", "worker.model_store", "worker.doctor_inspection")

_NOT_WITH = ("LONGSCRIBE_WEB_WORKERS", "PROMETHEUS_MULTIPROC_DIR")
"""Variables that decide what an imported module does: prometheus_client looks once."""

_REPOSITORY = Path(__file__).resolve().parents[3]

_children_are_warm = False


class ForkedProcess:
    """A process that the zygote forked, with what tests use of `subprocess.Popen`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._answers = connection.makefile("r")
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status, negative the number of the signal that ended it; None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit status once it has ended.  Raises subprocess.TimeoutExpired after `timeout`."""
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._connection, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = int(self._answers.readline())
            self._answers.close()
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it is known to have ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@contextlib.contextmanager
def warm_children(are_warm: bool = True) -> Iterator[None]:
    """Let the children that workers start first have torch, which takes a process 2 CPU seconds to
    import: for tests in which a worker works, and not of how it starts."""
    global _children_are_warm
    before, _children_are_warm = _children_are_warm, are_warm
    try:
        yield
    finally:
        _children_are_warm = before


def can_fork(command: list[str], env: dict[str, str]) -> bool:
    """Return whether a command is one that a zygote may run under these variables."""
    ours = command[:2] == [sys.executable, "-m"] and command[2] in _RUN
    return ours and not any(name in env for name in _NOT_WITH)


def fork(
    command: list[str],
    *,
    cwd: Path,
    env: dict[str, str],
    log: int,
    errors: int | None = None,
    file_bytes: int = resource.RLIM_INFINITY,
    children: int = 0,
) -> ForkedProcess:
    """Run `python -m MODULE ARGUMENTS...` in a fork of this process's zygote.

    `log` is the file descriptor of its output, and of its errors where `errors` names no other;
    `file_bytes` is what a file that it writes may grow to.  `children` of a worker have torch as
    they start, under `warm_children`.
    """
    ours, theirs = socket.socketpair()
    wanted = {
        "argv": command[2:],
        "env": env,
        "file_bytes": file_bytes,
        "children": children if _children_are_warm else 0,
    }
    with theirs:
        outputs = [log, log if errors is None else errors]
        socket.send_fds(_zygote(cwd), [json.dumps(wanted).encode()], [theirs.fileno(), *outputs])
    return ForkedProcess(ours)


def run(
    command: list[str],
    *,
    env: dict[str, str],
    cwd: Path = _REPOSITORY,
    timeout: float = 240.0,
    file_bytes: int = resource.RLIM_INFINITY,
    **_: object,
) -> subprocess.CompletedProcess[bytes]:
    """What `subprocess.run` does that captures the output and checks nothing, in a fork."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        running = fork(
            command,
            cwd=cwd,
            env=env,
            log=said.fileno(),
            errors=complained.fileno(),
            file_bytes=file_bytes,
        )
        try:
            status = running.wait(timeout)
        finally:
            running.kill()
        outputs = [file.seek(0) or file.read() for file in (said, complained)]
    return subprocess.CompletedProcess(command, status, *outputs)


@cache
def _zygote(cwd: Path) -> socket.socket:
    """Socket to this process's zygote, which is started when it is first needed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    with theirs:
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.zygote", str(theirs.fileno())],
            cwd=cwd,
            env={**kept, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            process_group=0,
            preexec_fn=die_with_parent,
        )
    return ours
