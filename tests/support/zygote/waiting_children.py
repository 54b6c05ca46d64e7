"""Children of a worker that have torch before Celery starts them.

A worker starts each child as a new process, which imports torch for 2 of the 3 CPU seconds that it
takes to be ready.  Here the zygote has imported it.  What it forks for a worker forks in turn, as
the first thing that it does, as many children as the worker will start, and they wait.  Each then
becomes the process that billiard would have started: the same parent, descriptors, variables,
signal mask, command line and code.  When they are used up, as in place of one that was killed, a
process is started as always.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from billiard import popen_spawn_posix

IMPORTED = ("worker.engine.funasr_recogniser",)
"""Modules for a child, which the zygote has to have. They bring torch along."""

_MOST_BYTES = 1 << 17
_MOST_DESCRIPTORS = 64
_HIGH = 512
"""Descriptors from here on are nobody's."""


def prepare(number: int) -> None:
    """Fork so many children of this worker's main process, for Celery to start.

    Called before anything else runs in it.  Never returns in a child.
    """
    waiting: list[tuple[int, socket.socket]] = []
    for _ in range(number):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            for connection in (ours, *(other for _, other in waiting)):
                connection.close()
            _wait_and_become(theirs)
        theirs.close()
        waiting.append((pid, ours))
    start_anew = popen_spawn_posix.spawnv_passfds

    def start(path: bytes, command: Sequence[str], descriptors: Iterable[int]) -> int:
        kept = sorted(descriptors)
        while waiting:
            pid, connection = waiting.pop(0)
            with connection, contextlib.suppress(OSError):  # it was killed while it waited
                _hand_over(connection, command, kept)
                return pid
        return int(start_anew(path, command, kept))

    popen_spawn_posix.spawnv_passfds = start


def _hand_over(connection: socket.socket, command: Sequence[str], descriptors: list[int]) -> None:
    wanted = {
        "command": list(command),
        "env": dict(os.environ),
        "descriptors": descriptors,
        "blocked": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
    }
    socket.send_fds(connection, [json.dumps(wanted).encode()], descriptors)


def _wait_and_become(connection: socket.socket) -> None:
    """Be what `_hand_over` asks for; end where the main process ends without asking."""
    request, received, _, _ = socket.recv_fds(connection, _MOST_BYTES, _MOST_DESCRIPTORS)
    connection.close()
    if not request:
        os._exit(0)
    wanted = json.loads(request)
    _renumber(received, wanted["descriptors"])
    os.environ.clear()
    os.environ.update(wanted["env"])
    signal.pthread_sigmask(signal.SIG_SETMASK, wanted["blocked"])
    command: list[str] = wanted["command"]
    _show("\0".join(command))
    code = command.index("-c") + 1
    sys.argv = ["-c", *command[code + 1 :]]
    exec(command[code], {"__name__": "__main__"})
    raise AssertionError("billiard's code ends its process")


def _renumber(received: list[int], numbers: list[int]) -> None:
    """Give descriptors the numbers that they have in the process that sent them."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH) for descriptor in received]
    for descriptor in received:  # each may have the number that another is to have
        os.close(descriptor)
    for descriptor, number in zip(high, numbers, strict=True):
        os.dup2(descriptor, number)
        os.close(descriptor)


def _show(command: str) -> None:
    """Have /proc show a command as this process's, as far as there is room."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = int(fields[45]), int(fields[46])
    shown = command.encode()[: end - begin - 1]
    ctypes.memmove(begin, shown.ljust(end - begin, b"\0"), end - begin)
