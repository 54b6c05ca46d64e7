"""Starts web servers, workers and `longscribe models` from a process that has imported their code.

Importing it takes up to 0.8 CPU seconds, more than most tests of a server take besides, and some
two hundred are started.  Here one process (a zygote, as Chromium calls it) imports what they have
in common and forks one for each; what runs in the fork is what `python -m` runs, under the
settings, the output and the process group of a process of its own.  The children of a worker start
from nothing, as always.  Of the ways to start that users have, `longscribe serve`, Compose's
commands and those of the command line are tested without it.

The pytest process sends the zygote a JSON object and three file descriptors for each process: that
of a socket on which the process's id comes back, and its exit status in the end; the output's, and
the errors'.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

_PR_SET_PDEATHSIG = 1

_IMPORTED = (
    *("gunicorn.app.wsgiapp", "celery.bin.celery", "web.app", "worker.pipeline.transcribe"),
    "worker.model_store.commands",
)
"""Modules that neither read the environment nor start a thread when they are imported; and not
torch, which no main process imports, nor the hubs' clients, which do read it."""

_RUN = ("gunicorn", "celery", "worker.model_store")

_NOT_WITH = ("LONGSCRIBE_WEB_WORKERS", "PROMETHEUS_MULTIPROC_DIR")
"""Variables that decide what an imported module does: prometheus_client looks once."""

_MOST_BYTES = 1 << 17
"""Most bytes of a request: a command and its variables."""


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
) -> ForkedProcess:
    """Run `python -m MODULE ARGUMENTS...` in a fork of this process's zygote.

    `log` is the file descriptor of its output, and of its errors where `errors` names no other;
    `file_bytes` is what a file that it writes may grow to.
    """
    ours, theirs = socket.socketpair()
    asked = json.dumps({"argv": command[2:], "env": env, "file_bytes": file_bytes}).encode()
    with theirs:
        outputs = [log, log if errors is None else errors]
        socket.send_fds(_zygote(cwd), [asked], [theirs.fileno(), *outputs])
    return ForkedProcess(ours)


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
            preexec_fn=_die_with_parent,
        )
    return ours


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _serve(asked: socket.socket) -> list[str]:
    """Fork a process for each request; returns in each fork, with its arguments."""
    forked: dict[int, socket.socket] = {}
    ended, wakes = socket.socketpair()
    ended.setblocking(False)
    wakes.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes.fileno())
    with selectors.DefaultSelector() as selector:
        selector.register(asked, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in selector.select()]
            if ended in ready:
                ended.recv(4096)
                _report_ended(forked)
            if asked not in ready:
                continue
            request, descriptors, _, _ = socket.recv_fds(asked, _MOST_BYTES, 3)
            if not request:
                sys.exit()  # the tests have ended
            answers, outputs = socket.socket(fileno=descriptors[0]), descriptors[1:]
            pid = os.fork()
            if pid == 0:
                break
            with contextlib.suppress(OSError):
                os.setpgid(pid, pid)  # here too: the tests may signal the group at once
            for output in outputs:
                os.close(output)
            forked[pid] = answers
            answers.sendall(f"{pid}\n".encode())
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # Now: a socket that is collected later would close what has its number by then.
    for kept in (asked, ended, wakes, answers, *forked.values()):
        kept.close()
    wanted = json.loads(request)
    _become(wanted["env"], outputs, wanted["file_bytes"])
    return list(wanted["argv"])


def _report_ended(forked: dict[int, socket.socket]) -> None:
    """Tell those who asked for them that processes have ended, and how."""
    while forked:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        connection = forked.pop(pid)
        with contextlib.suppress(OSError):  # whoever asked has gone
            connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        connection.close()


def _become(env: dict[str, str], outputs: list[int], file_bytes: int) -> None:
    """Make a fork look like a process that was just started."""
    os.setpgid(0, 0)
    _die_with_parent()
    for number, output in enumerate(outputs, start=1):
        os.dup2(output, number)
        os.close(output)
    if file_bytes != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    os.environ.clear()
    os.environ.update(env)
    if "TZ" in env:
        time.tzset()


def main() -> None:
    """Import, fork, and be what was asked for in each fork."""
    asked = socket.socket(fileno=int(sys.argv[1]))
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # so that the forks share its memory
    sys.argv = _serve(asked)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
