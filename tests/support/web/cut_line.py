"""A line between a browser and a server that a test slows down and cuts."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

from tests.support.web.tus_client import MIB

SLOW_BYTES_S = 6 * MIB
CRAWLING_BYTES_S = MIB


class Line:
    """A way to the server that a test can slow down and cut."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._open: list[socket.socket] = []
        self._bytes_s: int | None = None
        self._is_cut = False
        self._lock = threading.Lock()
        """Held while it is cut, and while somebody is let on it."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def slow_down(self) -> None:
        self._bytes_s = SLOW_BYTES_S

    def crawl(self) -> None:
        """Send so slowly that an upload lasts as long as a busy browser takes to show it."""
        self._bytes_s = CRAWLING_BYTES_S

    def full_speed(self) -> None:
        self._bytes_s = None

    def cut(self) -> None:
        """Cut the line: present and new connections are closed."""
        with self._lock:
            self._is_cut = True
            self._drop_all()

    def mend(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # close() alone would leave accept() waiting
        self._listening.close()
        self._accepting.join()
        with self._lock:
            self._drop_all()

    def _drop_all(self) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            with self._lock:
                self._let_on(client)

    def _let_on(self, client: socket.socket) -> None:
        if self._is_cut:
            client.close()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._to_port))
        except OSError:  # the server is down
            client.close()
            return
        self._open += [client, server]
        threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
        threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        pause = threading.Event()
        with suppress(OSError):  # the end of a connection, whichever side saw it first
            while piece := source.recv(64 * 1024):
                sink.sendall(piece)
                if up and (bytes_s := self._bytes_s) is not None:
                    pause.wait(len(piece) / bytes_s)
            if up:
                sink.shutdown(socket.SHUT_WR)
                return
        for one in (source, sink):  # the server has nothing more to say, or something broke
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()  # what is still sent is then answered with a reset
