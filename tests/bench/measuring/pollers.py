"""Clients that poll a real web server over connections that stay open, and what that costs it."""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.services import Service, family

_TICKS_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Poll:
    """What one client asks again and again: a path and the lines of its head."""

    path: str
    headers: dict[str, str]

    def head(self) -> bytes:
        lines = [f"GET {self.path} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def after(self, answered: dict[str, str]) -> Poll:
        """The next poll of a client that was answered with these headers."""
        return replace(self, headers={**self.headers, "If-None-Match": answered["etag"]})


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run of polls cost: answers by status, and processor seconds of the server."""

    answers: Counter[int]
    cpu_s: float
    wall_s: float

    @property
    def ms(self) -> float:
        """Processor milliseconds of the server a poll."""
        return 1000 * self.cpu_s / self.answers.total()

    @property
    def a_cpu_second(self) -> float:
        return self.answers.total() / self.cpu_s


@contextmanager
def one_core(core: int) -> Iterator[None]:
    """Whatever is started inside runs on this core alone; afterwards this process has all again."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)


def cpu_s(service: Service) -> float:
    """Processor seconds of a service and everything below it."""
    seconds = 0.0
    for pid in (service.pid, *family(service.pid)):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / _TICKS_S
    return seconds


def ask(port: int, poll: Poll) -> dict[str, str]:
    """One poll over a connection of its own: the headers of the answer, names in small letters."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(poll.head())
        received = b""
        while b"\r\n\r\n" not in received:
            received += connection.recv(65536)
    _, *lines = received.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return {name.lower(): value for name, value in headers.items()}


def run(service: Service, port: int, polls: Sequence[Poll], *, seconds: float) -> Cost:
    """Each client asks again as soon as it is answered, for so many seconds."""
    selector = selectors.DefaultSelector()
    for poll in polls:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ, (poll.head(), bytearray()))
    answers: Counter[int] = Counter()
    began, spent = time.monotonic(), cpu_s(service)
    for key in list(selector.get_map().values()):
        key.fileobj.send(key.data[0])  # type: ignore[union-attr]
    while time.monotonic() - began < seconds:
        for key, _ in selector.select(timeout=1):
            head, received = key.data
            piece = key.fileobj.recv(65536)  # type: ignore[union-attr]
            assert piece, "the server closed the connection"
            received += piece
            if (status := _answered(received)) is not None:
                answers[status] += 1
                received.clear()
                key.fileobj.send(head)  # type: ignore[union-attr]
    cost = Cost(answers, cpu_s(service) - spent, time.monotonic() - began)
    for key in list(selector.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    selector.close()
    return cost


def _answered(received: bytearray) -> int | None:
    """The status of the answer, once it is whole."""
    head, end, body = received.partition(b"\r\n\r\n")
    if not end:
        return None
    status = int(head[9:12])
    if status == 304:
        return status
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    return status if len(body) >= length else None
