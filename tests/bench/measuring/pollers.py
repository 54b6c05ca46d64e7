"""Clients that poll a real web server over connections that stay open, and what that costs it."""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from pathlib import Path

from tests.support.stack import Service, descendants

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
    took_s: list[float]
    """Seconds from each poll to its answer, the shortest first."""

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
    for pid in (service.pid, *descendants(service.pid)):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / _TICKS_S
    return seconds


@dataclass(slots=True)
class _Client:
    """A connection, and what was received of the answer to its poll."""

    connection: socket.socket
    poll: Poll
    received: bytearray = field(default_factory=bytearray)
    asked_at: float = 0.0

    def send(self) -> None:
        self.received.clear()
        self.asked_at = time.monotonic()
        self.connection.sendall(self.poll.head())

    def receive(self) -> int | None:
        """The status of the answer, once it is whole. A conditional poll goes on with its ETag."""
        piece = self.connection.recv(65536)
        assert piece, "the server closed the connection"
        self.received += piece
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return None
        status, headers = int(head[9:12]), _headers(bytes(head))
        if status != 304 and len(body) < int(headers["content-length"]):
            return None
        if "If-None-Match" in self.poll.headers:
            self.poll = self.poll.after(headers)
        return status


def _headers(head: bytes) -> dict[str, str]:
    """The headers of an answer, their names in small letters."""
    lines = head.decode().split("\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


def ask(port: int, poll: Poll) -> dict[str, str]:
    """One poll over a connection of its own; the headers of its answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        client = _Client(connection, poll)
        client.send()
        while client.receive() is None:
            pass
        return _headers(bytes(client.received.partition(b"\r\n\r\n")[0]))


def run(
    service: Service, port: int, polls: Sequence[Poll], *, seconds: float, every_s: float = 0.0
) -> Cost:
    """Each client asks again `every_s` seconds after it asked, or as soon as it is answered."""
    clients = [_Client(socket.create_connection(("127.0.0.1", port)), poll) for poll in polls]
    answers: Counter[int] = Counter()
    took: list[float] = []
    began, spent = time.monotonic(), cpu_s(service)
    due = [(began + every_s * n / len(clients), n) for n in range(len(clients))]
    with selectors.DefaultSelector() as selector:
        for n, client in enumerate(clients):
            selector.register(client.connection, selectors.EVENT_READ, n)
        while (now := time.monotonic()) - began < seconds:
            while due and due[0][0] <= now:
                clients[heappop(due)[1]].send()
            for key, _ in selector.select(timeout=max(0.0, due[0][0] - now) if due else 1.0):
                client = clients[key.data]
                if (status := client.receive()) is not None:
                    answers[status] += 1
                    took.append(time.monotonic() - client.asked_at)
                    heappush(due, (max(client.asked_at + every_s, now), key.data))
        cost = Cost(answers, cpu_s(service) - spent, time.monotonic() - began, sorted(took))
    for client in clients:
        client.connection.close()
    return cost
