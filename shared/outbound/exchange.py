"""HTTP request to an address that somebody else chose.

The connection goes to an address that was found permitted, and to no other: the name is not looked
up again.  No redirect is followed here, no proxy is taken from the environment, and neither the
time nor the size of an answer is left to who answers.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from ipaddress import ip_address

from shared.errors import in_a_line
from shared.outbound.addresses import AddressRules, Target
from shared.outbound.errors import AddressRefused, Stopped, TooSlow, Unreachable

_CONNECT_S = 10.0


class Exchange:
    """A request and its answer. `stop` may be called from another thread at any time: it closes the
    connection, which ends the exchange in its own thread with Stopped."""

    def __init__(
        self, target: Target, rules: AddressRules, *, timeout_s: float, silence_s: float
    ) -> None:
        self.target = target
        self._rules = rules
        self._until = time.monotonic() + timeout_s
        self._silence_s = silence_s
        self._stopped = threading.Event()
        self._late = threading.Event()
        self._connection: http.client.HTTPConnection | None = None
        self._response: http.client.HTTPResponse | None = None
        # A timeout of the socket begins anew with every byte.
        self._deadline = threading.Timer(timeout_s, self._be_late)
        self._deadline.daemon = True
        self._deadline.start()

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        self._deadline.cancel()
        if self._connection is not None:
            self._connection.close()

    def stop(self) -> None:
        """End the exchange now."""
        self._stopped.set()
        self._hang_up()

    def open(
        self, method: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> http.client.HTTPResponse:
        """Send the request and wait for the head of its answer.

        Raises AddressRefused, Unreachable, TooSlow or Stopped.
        """
        try:
            self._connection = connection = self._connected()
            self._require_going_on()
            told = {"Host": self.target.authority, "User-Agent": "Longscribe", **headers}
            connection.request(method, self.target.path, body=body, headers=told)
            self._response = connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._meaning(error) from error
        self._require_going_on()
        return self._response

    def read(self, most: int) -> bytes:
        """The next `most` bytes of the answer, fewer before its end and none at it. Raises
        Unreachable, also where the answer breaks off, TooSlow or Stopped."""
        assert self._response is not None
        try:
            some = self._response.read(most)
            # A length that was announced and not reached is no end.
            if not some and self._response.length:
                raise http.client.IncompleteRead(b"", self._response.length)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._meaning(error) from error
        self._require_going_on()
        return some

    def _connected(self) -> http.client.HTTPConnection:
        addresses = self._rules.resolve(self.target, timeout_s=self._left_s())
        connection = http.client.HTTPConnection(self.target.host, self.target.port)
        problem: OSError | None = None
        for address in addresses:
            self._require_going_on()
            try:
                plain = _connect(
                    address, self.target.port, timeout_s=min(_CONNECT_S, self._left_s())
                )
            except OSError as error:
                problem = error
                continue
            connection.sock = plain
            self._connection = connection  # from here on `stop` can hang up
            self._require_permitted(plain)
            self._require_going_on()
            if self.target.scheme == "https":
                context = ssl.create_default_context()
                connection.sock = context.wrap_socket(plain, server_hostname=self.target.host)
            connection.sock.settimeout(self._silence_s)
            return connection
        assert problem is not None
        raise problem

    def _require_permitted(self, connected: socket.socket) -> None:
        """Check the address that the kernel connected to once more. Raises AddressRefused."""
        peer = str(connected.getpeername()[0]).partition("%")[0]
        if not self._rules.permits(ip_address(peer)):
            connected.close()
            raise AddressRefused

    def _left_s(self) -> float:
        return max(0.05, self._until - time.monotonic())

    def _meaning(self, error: Exception) -> Exception:
        """The error of ours that a failure of the connection stands for."""
        if self._stopped.is_set():
            return Stopped()
        if self._late.is_set() or isinstance(error, TimeoutError):
            return TooSlow()
        return Unreachable(f"{self.target.authority}: {in_a_line(error)}")

    def _require_going_on(self) -> None:
        if self._stopped.is_set():
            raise Stopped
        if self._late.is_set():
            raise TooSlow

    def _be_late(self) -> None:
        self._late.set()
        self._hang_up()

    def _hang_up(self) -> None:
        sock = self._connection.sock if self._connection is not None else None
        if sock is None and self._response is not None and self._response.fp is not None:
            # A connection that closes after its answer has given its socket away.
            raw = getattr(self._response.fp, "raw", None)
            sock = getattr(raw, "_sock", None)
        if sock is not None:
            # Whoever waits in recv() wakes up; close() alone would leave it waiting.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class ExchangeStopper:
    """Switch that ends the exchanges of a piece of work. `stop` may be called from another
    thread."""

    def __init__(self) -> None:
        self._exchange: Exchange | None = None
        self._is_asked = False

    def stop(self) -> None:
        """End the exchange that goes on, and each that begins from now on."""
        self._is_asked = True
        if (exchange := self._exchange) is not None:
            exchange.stop()

    def take(self, exchange: Exchange) -> None:
        """End this exchange when `stop` is called, or at once where that was before."""
        self._exchange = exchange  # before the question: one of the two threads sees the other
        if self._is_asked:
            exchange.stop()


def _connect(address: str, port: int, *, timeout_s: float) -> socket.socket:
    """A connection to an address in numbers, with which no resolver has to do. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_STREAM)
    try:
        plain.settimeout(timeout_s)
        plain.connect((address, port))
    except BaseException:
        plain.close()
        raise
    return plain
