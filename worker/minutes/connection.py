"""HTTP requests to the server of the settings, and to no other.

No redirect is followed, no proxy is taken from the environment, and neither the time nor the size
of an answer is left to who answers.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.errors import in_a_line
from shared.minutes.errors import AnswerTooLarge, ModelServerSlow, ModelServerUnreachable

MOST_BYTES = 2 * 2**20
"""Bytes of an answer at most. Minutes of a part have some kilobytes."""

_CONNECT_S = 10.0
_BEYOND_DEADLINE_S = 5.0
_CHUNK = 64 * 1024


class Stopped(Exception):
    """The exchange was ended by `Exchange.stop`."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Answer of the server."""

    status: int
    headers: Mapping[str, str]
    """Headers by name in small letters."""
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", errors="replace")


class Exchange:
    """A request and its answer. `stop` may be called from another thread at any time: it closes the
    connection, which ends the request here and tells the server not to go on."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._host = parts.netloc
        self._path = parts.path or "/"
        self._timeout_s = timeout_s
        self._stopped = threading.Event()
        self._late = threading.Event()
        host, port = parts.hostname or "", parts.port
        connect_s = min(_CONNECT_S, timeout_s)
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            self._connection = http.client.HTTPSConnection(
                host, port, timeout=connect_s, context=ssl.create_default_context()
            )
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=connect_s)

    def stop(self) -> None:
        """End the exchange now."""
        self._stopped.set()
        self._hang_up()

    def run(
        self, method: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> HttpAnswer:
        """Make the request. Raises ModelServerUnreachable; ModelServerSlow where the whole takes
        longer than the time that was given; AnswerTooLarge; or Stopped."""
        # A timeout of the socket begins anew with every byte.
        deadline = threading.Timer(self._timeout_s, self._be_late)
        deadline.daemon = True
        deadline.start()
        try:
            self._connection.connect()
            if self._connection.sock is not None:
                # Only where the deadline itself could not hang up: it says what is the matter.
                self._connection.sock.settimeout(self._timeout_s + _BEYOND_DEADLINE_S)
            self._require_going_on()
            self._connection.request(method, self._path, body=body, headers=dict(headers))
            response = self._connection.getresponse()
            read = self._read(response)
            self._require_going_on()
            named = {name.lower(): value for name, value in response.getheaders()}
            return HttpAnswer(response.status, named, read)
        except (OSError, http.client.HTTPException) as error:
            self._require_going_on()
            raise ModelServerUnreachable(
                f"The language model's server {self._host} does not answer: {in_a_line(error)}. "
                "See that it runs and that LONGSCRIBE_MINUTES_URL leads there."
            ) from error
        finally:
            deadline.cancel()
            self._connection.close()

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        announced = response.getheader("Content-Length", "")
        if announced.isdigit() and int(announced) > MOST_BYTES:
            raise AnswerTooLarge
        read = bytearray()
        while chunk := response.read(_CHUNK):
            read += chunk
            if len(read) > MOST_BYTES:
                raise AnswerTooLarge
        return bytes(read)

    def _require_going_on(self) -> None:
        if self._stopped.is_set():
            raise Stopped
        if self._late.is_set():
            raise ModelServerSlow(
                f"The language model's server {self._host} gave no answer within "
                f"{self._timeout_s:g} s. A slow one needs a larger LONGSCRIBE_MINUTES_TIMEOUT_S, "
                "or a smaller LONGSCRIBE_MINUTES_WINDOW_TOKENS for smaller parts."
            )

    def _be_late(self) -> None:
        self._late.set()
        self._hang_up()

    def _hang_up(self) -> None:
        sock = self._connection.sock
        if sock is not None:
            # Whoever waits in recv() wakes up; close() alone would leave it waiting.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
