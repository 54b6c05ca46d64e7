"""The data folder belongs to one stack at a time, and the port to one server."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import LongscribeError


class StackFailed(LongscribeError):
    """The embedded stack cannot start or did not stay up; the message says what to do."""

    code = "stack_failed"


@contextmanager
def claimed(data_dir: Path) -> Iterator[None]:
    """Hold the folder. The lock ends with this process, however it ends.

    Raises StackFailed if another stack has it.
    """
    path = data_dir / "stack.lock"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        (data_dir / "logs").mkdir(exist_ok=True)
        lock = path.open("a+")
    except OSError as error:
        raise StackFailed(
            f"The data folder {data_dir} cannot be used: {error.strerror}. "
            "Choose another with LONGSCRIBE_DATA_DIR."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise StackFailed(
                f"Another Longscribe (process {owner}) uses the data folder {data_dir}. "
                "Stop it, or choose another folder with LONGSCRIBE_DATA_DIR."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def holder(data_dir: Path) -> str | None:
    """The process that holds the folder, None if nobody does. Makes nothing."""
    try:
        with (data_dir / "stack.lock").open() as lock:
            try:
                # Shared and for this moment only: two who look do not see each other.
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read().strip() or "unknown"
    except OSError:
        pass
    return None


@contextmanager
def listening(host: str, port: int, *, or_any_free: bool = False) -> Iterator[socket.socket]:
    """A listening socket for the web server to inherit, so that the port is ours from the start
    and stays ours while the server restarts.

    Raises StackFailed if the port is taken; with `or_any_free` takes another one instead.
    """
    try:
        server = _listen(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and or_any_free:
            server = _listen(host, 0)
        else:
            raise StackFailed(_why_not(host, port, error)) from error
    with server:
        yield server


def _listen(host: str, port: int) -> socket.socket:
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(address[:2], family=family, backlog=128)


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use by another program. "
            f"Choose another, for instance: LONGSCRIBE_PORT={port + 1} longscribe serve"
        )
    return (
        f"Cannot listen on {host} port {port}: {error.strerror or error}. "
        "See LONGSCRIBE_HOST and LONGSCRIBE_PORT."
    )
