"""The socket of a client, with an end to waiting for it."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections import deque
from typing import Any

from web.serving.slow_client_limits import Pace, Patience

MOST_UNSENT_BYTES = 64 * 2**20
"""Bytes of an answer that are kept for a slow reader; for the rest of it the thread waits. It is
more than any page has, also of hours in which each sentence was written anew and long."""

_PIECE_BYTES = 64 * 1024

_IS_UNREACHABLE = (errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH)
"""Numbers of errors by which the kernel gives a connection up whose client left without a word."""


class ClientStalled(TimeoutError):
    """The client took nothing more of what is sent to it, or too little in the time."""


def _of_client(error: OSError) -> OSError:
    """The error of a connection, that of a reset one where the client can be reached no more.

    Told apart here, where the client's socket alone can be at fault: a disk or a bucket that an
    answer is read from has the same numbers.
    """
    if error.errno in _IS_UNREACHABLE:
        return ConnectionResetError(errno.ECONNRESET, str(error))
    return error


class ClientSocket(socket.socket):
    """A connection whose blocking calls raise TimeoutError for a client that stalls or trickles,
    where something is sent to it ClientStalled.

    The loop uses it without blocking. A thread that calls `setblocking(True)`, as gunicorn does for
    each request, gets the limits of `patience`.
    """

    def __init__(self, accepted: socket.socket, patience: Patience) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        self._patience = patience
        self._receiving = self._sending = Pace(0)
        self._unsent: deque[memoryview] = deque()
        self.unsent_bytes = 0
        self.keeps_unsent = False
        """True if a thread leaves to the loop what the client does not take at once."""
        self.keeps_all = False
        """True if a thread leaves to the loop whatever the client does not take at once, however
        much it is."""
        self.is_refused = False
        """True if the application has to refuse this request: there are too many transfers."""

    def setblocking(self, flag: bool) -> None:
        self.settimeout(self._patience.silence_s if flag else 0.0)
        if flag:
            self._receiving = Pace(self._patience.least_bytes_s)
            self._sending = Pace(self._patience.least_bytes_s)

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        began = time.monotonic()
        try:
            data = super().recv(bufsize, flags)
        except OSError as error:
            raise _of_client(error) from None
        if self.gettimeout() and data:
            self._receiving.note(len(data), time.monotonic() - began)
        return data

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send `data`, or keep what the client does not take at once where that is asked for."""
        left = memoryview(data).cast("B")
        if not self.keeps_unsent:
            self._wait_until_sent(left)
            return
        if not self._unsent:
            left = left[self._send_now(left) :]
        if not left:
            return
        if not self.keeps_all and self.unsent_bytes + len(left) > MOST_UNSENT_BYTES:
            while self._unsent:
                self._wait_until_sent(self._unsent.popleft())
            self.unsent_bytes = 0
            self._wait_until_sent(left)
            return
        self._unsent.append(left)
        self.unsent_bytes += len(left)

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send `count` bytes of `file`, all without it, and return their number."""
        file.seek(offset)
        sent = 0
        while piece := file.read(
            _PIECE_BYTES if count is None else min(_PIECE_BYTES, count - sent)
        ):
            self.sendall(piece)
            sent += len(piece)
        return sent

    def send_unsent(self) -> int:
        """Send what was kept as far as the client takes it, in the loop. Raises OSError.

        Returns the number of bytes taken.
        """
        taken = 0
        while self._unsent and (size := self._send_now(self._unsent[0])):
            taken += size
            rest = self._unsent.popleft()[size:]
            if rest:
                self._unsent.appendleft(rest)
        self.unsent_bytes -= taken
        return taken

    def _send_now(self, data: memoryview) -> int:
        try:
            return os.write(self.fileno(), data)  # send() would wait for the timeout first
        except BlockingIOError:
            return 0
        except OSError as error:
            raise _of_client(error) from None

    def _wait_until_sent(self, data: memoryview) -> None:
        while data:
            began = time.monotonic()
            try:
                size = super().send(data)
                self._sending.note(size, time.monotonic() - began)
            except OSError as error:
                if isinstance(error, TimeoutError) and error.errno is None:  # a limit of ours
                    raise ClientStalled(str(error)) from None
                raise _of_client(error) from None
            data = data[size:]
