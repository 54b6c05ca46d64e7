"""A place on loopback that nobody should visit, and that notices everybody who does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Listener:
    """Hears TCP and UDP at one port, and hangs up on whoever comes."""

    def __init__(self) -> None:
        self._tcp, self._udp = _bound_to_one_port()
        self._address = self._tcp.getsockname()
        self.port = int(self._address[1])
        self._came: list[Any] = []
        """Address that each visit came from."""
        self._own: list[Any] = []
        self._heard = threading.Condition()
        self._is_closing = False
        self._threads = [
            threading.Thread(target=serve, daemon=True) for serve in (self._accept, self._receive)
        ]
        for thread in self._threads:
            thread.start()

    def visits(self) -> int:
        """Number of visits up to now: each kind is heard in order, so a visit of one's own is heard
        after all that were there before."""
        with self._visit() as own, self._heard:
            assert self._heard.wait_for(lambda: own <= set(self._came), 60)
        self._own += own
        return len(self._came) - len(self._own)

    @contextmanager
    def _visit(self) -> Iterator[set[Any]]:
        """Come over both; where from, as it is noted."""
        with (
            socket.create_connection(self._address) as caller,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        ):
            sender.sendto(b"x", self._address)
            here, port = "127.0.0.1", sender.getsockname()[1]
            yield {("tcp", caller.getsockname()), ("udp", (here, port))}

    def close(self) -> None:
        self._is_closing = True
        with self._visit():  # which wakes both threads
            pass
        for thread in self._threads:
            thread.join()
        self._tcp.close()
        self._udp.close()

    def _accept(self) -> None:
        while not self._is_closing:
            connection, peer = self._tcp.accept()
            connection.close()
            self._note("tcp", peer)

    def _receive(self) -> None:
        while not self._is_closing:
            _, peer = self._udp.recvfrom(1)
            self._note("udp", peer)

    def _note(self, kind: str, peer: Any) -> None:
        with self._heard:
            self._came.append((kind, peer))
            self._heard.notify_all()


@contextmanager
def listening_to_all() -> Iterator[Listener]:
    """A listener from its start to its end."""
    made = Listener()
    try:
        yield made
    finally:
        made.close()


def _bound_to_one_port() -> tuple[socket.socket, socket.socket]:
    """Bind two sockets to one port number: TCP, which listens, and UDP, of which the same number
    may be taken."""
    while True:
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
        else:
            return tcp, udp
