"""A tus client for tests, which breaks off where it is told to."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import random
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

VERSION = {"Tus-Resumable": "1.0.0"}
BYTES = VERSION | {"Content-Type": "application/offset+octet-stream"}
MIB = 2**20


class Recording:
    """Bytes of any length that nobody holds: each MiB is its number's own noise."""

    def __init__(self, size_bytes: int, *, seed: int = 0) -> None:
        self.size_bytes = size_bytes
        self._noise = random.Random(seed).randbytes(MIB)

    def read(self, offset: int, size: int) -> bytes:
        """Read at most `size` bytes from `offset`, never over the end of a MiB."""
        block, within = divmod(offset, MIB)
        size = min(size, MIB - within, self.size_bytes - offset)
        turned = block * 4099 % MIB  # another MiB each time, without making new noise
        start = (turned + within) % MIB
        piece = self._noise[start : start + size]
        return piece + self._noise[: size - len(piece)]

    def all(self) -> bytes:
        return b"".join(self.read(at, MIB) for at in range(0, self.size_bytes, MIB))

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for at in range(0, self.size_bytes, MIB):
            digest.update(self.read(at, MIB))
        return digest.hexdigest()


@dataclass(frozen=True)
class Upload:
    """Upload on a server, by its address."""

    server: str
    path: str

    @classmethod
    def begin(cls, server: str, size_bytes: int, *, filename: str = "周会.wav") -> Upload:
        name = base64.b64encode(filename.encode()).decode()
        answer = requests.post(
            f"{server}/api/v1/uploads",
            headers=VERSION
            | {"Upload-Length": str(size_bytes), "Upload-Metadata": f"filename {name}"},
            timeout=60,
        )
        assert answer.status_code == 201, answer.text
        return cls(server, answer.headers["Location"])

    @property
    def id(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    def offset(self) -> int:
        answer = requests.head(f"{self.server}{self.path}", headers=VERSION, timeout=60)
        assert answer.status_code == 200, answer.status_code
        return int(answer.headers["Upload-Offset"])

    def append(self, offset: int, data: Any, **headers: str) -> requests.Response:
        """Send all of `data`, or what an iterator gives."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.patch(
            f"{self.server}{self.path}",
            data=data,
            headers=BYTES | {"Upload-Offset": str(offset)} | given,
            timeout=600,
        )

    def submit(self, headers: Mapping[str, str] | None = None) -> requests.Response:
        return requests.post(
            f"{self.server}/api/v1/jobs",
            json={"upload_id": self.id},
            headers=headers,
            timeout=600,
        )

    def open_patch(self, offset: int, announced: int, **headers: str) -> socket.socket:
        """A connection on which the head of a PATCH was sent and its body is awaited."""
        parts = urlsplit(self.server)
        connection = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=60)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [
            f"PATCH {self.path} HTTP/1.1",
            f"Host: {parts.netloc}",
            f"Content-Length: {announced}",
            *(f"{name}: {value}" for name, value in (BYTES | given).items()),
            f"Upload-Offset: {offset}",
        ]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection

    def send_until_cut(
        self,
        recording: Recording,
        offset: int,
        cut_at: int,
        *,
        rudely: bool = False,
        at_the_cut: Callable[[], None] = lambda: None,
    ) -> None:
        """Send from `offset` as if all were to come, and leave at `cut_at`: with a reset if
        `rudely`, after which what the server has not read yet is lost."""
        connection = self.open_patch(offset, recording.size_bytes - offset)
        with connection, contextlib.suppress(ConnectionError):
            while offset < cut_at:
                piece = recording.read(offset, cut_at - offset)
                connection.sendall(piece)
                offset += len(piece)
            at_the_cut()
            if rudely:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
