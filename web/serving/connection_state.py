"""Connection of a client, and its state in the loop."""

from __future__ import annotations

from enum import Enum, auto
from math import inf
from typing import Any

from gunicorn import http  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn  # type: ignore[import-untyped]

from web.serving.answer import Answer
from web.serving.client_socket import ClientSocket
from web.serving.request_head import RequestHead


class State(Enum):
    """Event that the loop waits for on a connection."""

    IDLE = auto()
    """The first byte of another request."""
    REQUEST = auto()
    """A head or a small body, or the rest of it."""
    RUNNING = auto()
    """A thread, which alone may touch the connection."""
    WAITING = auto()
    """Event that its answer waits for, and meanwhile the client to take the part that is ready."""
    SENDING = auto()
    """The client to take an answer."""
    CLOSING = auto()
    """The client to close its end, so that it reads the answer before the connection is gone."""
    CLOSED = auto()
    """Nothing any more."""


SPARED = (State.IDLE, State.CLOSING, State.REQUEST, State.SENDING)
"""States in which a connection may be given up for another, the first of them first."""


class Connection(TConn):  # type: ignore[misc]
    """A connection that the loop and one thread at a time take turns with.

    `deadline` is when it ends if nothing happens, on the monotonic clock.
    """

    sock: ClientSocket

    def __init__(self, cfg: Any, sock: ClientSocket, peer: Any, server: Any) -> None:
        super().__init__(cfg, sock, peer, server)
        self.parser = http.get_parser(cfg, sock, peer)
        self.initialized = True
        self.state = State.REQUEST
        self.deadline = inf
        self.received = bytearray()
        self.head: RequestHead | None = None
        self.address = ""
        self.holds_transfer = False
        self.is_kept_alive = False
        self.drained_bytes = 0
        self.answer: Answer | None = None
        self.wait: Any = None
        self.is_woken = False

    @property
    def peer(self) -> str:
        """The address at the other end; empty for a unix socket."""
        return self.client[0] if isinstance(self.client, tuple) else ""
