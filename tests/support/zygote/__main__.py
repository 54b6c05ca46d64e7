"""The zygote itself: imports, forks, and is what was asked for in each fork."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import runpy
import selectors
import signal
import socket
import sys
import time

from tests.support.zygote import waiting_children
from tests.support.zygote.parent_death import die_with_parent

_IMPORTED = (
    *("gunicorn.app.wsgiapp", "celery.bin.celery", "web.app", "worker.pipeline.transcribe"),
    "worker.model_store.commands",
)
"""Modules that neither read the environment nor start a thread when they are imported; and not
torch, which no main process imports, nor the hubs' clients, which do read it."""

_WITH_TORCH = ("worker.doctor_inspection",)

_MOST_BYTES = 1 << 17
"""Most bytes of a request: a command and its variables."""


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
            wanted = json.loads(request)
            if wanted["children"] or wanted["argv"][0] in _WITH_TORCH:
                _import(waiting_children.IMPORTED)
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
    _become(wanted["env"], outputs, wanted["file_bytes"])
    waiting_children.prepare(wanted["children"])
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
    die_with_parent()
    for number, output in enumerate(outputs, start=1):
        os.dup2(output, number)
        os.close(output)
    if file_bytes != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    os.environ.clear()
    os.environ.update(env)
    if "TZ" in env:
        time.tzset()


def _import(names: tuple[str, ...]) -> None:
    if all(name in sys.modules for name in names):
        return
    for name in names:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # so that the forks share its memory


def main() -> None:
    """Import, fork, and be what was asked for in each fork."""
    asked = socket.socket(fileno=int(sys.argv[1]))
    _import(_IMPORTED)
    sys.argv = _serve(asked)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
