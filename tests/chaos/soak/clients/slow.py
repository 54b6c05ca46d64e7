"""A client on a bad line, many times over: half a request, a body in drops, an answer not read."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from tests.chaos.soak.client_log import ClientLog
from tests.chaos.soak.clients.client import Client

_HALF_HEAD = b"GET /api/v1/jobs HTTP/1.1\r\nHost: {host}\r\nX-Slow: "
_BODY = (
    b"POST /api/v1/jobs HTTP/1.1\r\nHost: {host}\r\nContent-Type: audio/wav\r\n"
    b"Content-Length: 1000000\r\n\r\nRIFF"
)
_UNREAD = b"GET /static/favicon.svg HTTP/1.1\r\nHost: {host}\r\n\r\n"
KINDS = (_HALF_HEAD, _BODY, _UNREAD * 200)


class SlowClient(Client):
    """Holds `lines` connections at a time, and lets each go after some 20 s."""

    pause_s = 0.5
    lines = 40

    def __init__(self, log: ClientLog, urls: Sequence[str], seed: int) -> None:
        super().__init__(log, urls, seed)
        self._lines: list[socket.socket] = []

    def act(self) -> None:
        if len(self._lines) >= self.lines:
            self._lines.pop(0).close()
        for line in self._lines:
            with contextlib.suppress(OSError):  # the server may have let it go, or be dead
                line.send(b"x")
        url = urlsplit(self.random.choice(self._urls))
        with contextlib.suppress(OSError):
            line = socket.create_connection((url.hostname or "", url.port or 80), timeout=1)
            line.setblocking(False)
            self._lines.append(line)
            line.send(self.random.choice(KINDS).replace(b"{host}", url.netloc.encode()))
            self.log.count("slow line")
