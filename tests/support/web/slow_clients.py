"""Clients that keep a server waiting: half heads, slow uploads, readers that stop reading."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import ExitStack, suppress
from typing import Any

HALF_HEAD = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Unfinished: "
_PART = b"--b\r\nContent-Disposition: form-data; name=file; filename=slow.mp3\r\n\r\n"
SLOW_UPLOAD = (
    b"POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000000\r\n\r\n" + _PART
)
HONEST_BYTES_S = 25_000
_FEEDS_A_SECOND = 4


def get(path: str, *fields: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *fields, "", ""]).encode()


class SlowClients:
    """Connections to a server on loopback, kept open until the end of the `with`."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open = ExitStack()
        self._ended = threading.Event()

    def __enter__(self) -> SlowClients:
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        self._open.close()

    def connect(self, sent: bytes, *, source: str = "127.0.0.1") -> socket.socket:
        """A connection from the loopback address `source` on which `sent` was sent."""
        connection = self._open.enter_context(
            socket.create_connection(("127.0.0.1", self._port), 120, (source, 0))
        )
        connection.sendall(sent)
        return connection

    def half_heads(self, count: int) -> list[socket.socket]:
        return [self.connect(HALF_HEAD) for _ in range(count)]

    def stalled_readers(self, count: int, path: str) -> list[socket.socket]:
        """Clients that ask for `path` and read nothing of it, with as little room as there is."""
        made = []
        for _ in range(count):
            connection = self._open.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", self._port))
            connection.sendall(get(path))
            made.append(connection)
        return made

    def slow_uploads(self, count: int) -> list[socket.socket]:
        """Forms with a recording, each sent at HONEST_BYTES_S until the end."""
        made = [self.connect(SLOW_UPLOAD) for _ in range(count)]
        threading.Thread(target=self._feed, args=(made,), daemon=True).start()
        return made

    def _feed(self, connections: list[socket.socket]) -> None:
        while not self._ended.wait(1 / _FEEDS_A_SECOND):
            for connection in connections:
                with suppress(OSError):
                    connection.sendall(bytes(HONEST_BYTES_S // _FEEDS_A_SECOND))


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """The next answer on `connection`: status, fields with names in small letters, body."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(1)
        assert piece, received
        received += piece
    first, *lines = received.decode("latin-1").split("\r\n")
    fields = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    body = b""
    length = int(fields.get("content-length", 0))
    while len(body) < length:
        piece = connection.recv(length - len(body))
        assert piece, "the answer ends early"
        body += piece
    return int(first.split()[1]), fields, body


def error_code(body: bytes) -> Any:
    return json.loads(body)["error"]["code"]
