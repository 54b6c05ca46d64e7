"""gunicorn's threaded worker, with a loop that does all waiting for clients that can be done there.

The loop receives heads and small bodies, sends what a client did not take at once, and closes
connections. A thread gets whole requests, from one of two pools: transfers, which move a client's
many bytes, cannot take the threads of all others, whose answers never wait for a client.  An answer
that waits for a job has no thread meanwhile (`web.waiting`).
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from math import inf
from typing import Any

import structlog
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER  # type: ignore[import-untyped]

from shared.open_files import allow_open_files
from shared.settings import load_settings
from web.serving.answer_threads import PAUSED, RECEIVE_BYTES, UNREAD_S, AnsweringWorker
from web.serving.client_socket import MOST_UNSENT_BYTES, ClientSocket
from web.serving.connection_state import SPARED, Connection, State
from web.serving.request_head import (
    MOST_HEAD_BYTES,
    client_address,
    escape_target,
    head_size,
    read_head,
)
from web.serving.slow_client_limits import REQUEST_S, Patience
from web.serving.transfers import Transfers

log = structlog.stdlib.get_logger(__name__)

_CLOSE_S = 2.0
_CLOSE_BYTES = 16 * 2**20
"""Seconds and bytes for which a closed connection waits for its client to close too."""

_LOOK_EVERY_S = 0.25
_SPARE_CONNECTIONS = 8
_FILES_BESIDE = 512
"""Files of a process beside its connections: those of transfers, the database's, the logs."""

_REFUSAL = (
    "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    "Content-Length: {length}\r\n\r\n{text}"
)
_TIMED_OUT = "408 Request Timeout", "The request did not arrive in time.\n"
_TOO_LARGE = "431 Request Header Fields Too Large", "The head of the request is too large.\n"


class PatientWorker(AnsweringWorker):
    """A threaded worker that slow clients cannot silence.

    All methods run in the loop's thread.
    """

    def init_process(self) -> None:
        settings = load_settings()
        self._patience = Patience(settings.upload_silence_s, settings.transfer_least_bytes_s)
        self._proxies = settings.proxies
        self._transfers = Transfers(settings.web_transfers)
        self._connections: set[Connection] = set()
        self._look_at = 0.0
        self._stopped_at: float | None = None
        self._limit_connections()
        super().init_process()

    def _limit_connections(self) -> None:
        """Have no more connections than leave the files that answering needs."""
        wanted: int = self.cfg.worker_connections
        allowed = allow_open_files(wanted + _FILES_BESIDE)
        fitting = max(allowed - _FILES_BESIDE, allowed // 2)
        if fitting < wanted:
            log.warning("few open files allowed", open_files=allowed, connections=fitting)
            self.worker_connections = fitting

    def run(self) -> None:
        try:
            super().run()
        finally:
            self._transfers.threads.shutdown(wait=False)

    # --- new connections

    def accept(self, listener: socket.socket) -> None:
        try:
            accepted, peer = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._give_one_up()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        sock = ClientSocket(accepted, self._patience)
        connection = Connection(self.cfg, sock, peer, listener.getsockname())
        self._connections.add(connection)
        self._expect_request(connection, within_s=REQUEST_S)
        self._guarded(self._receive, connection)  # most requests are here already
        if self.nr_conns > self.worker_connections - _SPARE_CONNECTIONS:
            self._give_one_up()

    def _give_one_up(self) -> None:
        """Close the connection that is the smallest loss, unless all are at work."""
        spared = [one for one in self._connections if one.state in SPARED]
        if spared:
            self._close(min(spared, key=lambda one: (SPARED.index(one.state), one.deadline)))

    # --- requests

    def _expect_request(self, connection: Connection, *, within_s: float) -> None:
        connection.head = None
        # A newcomer is no smaller loss than an earlier one whose request arrives in drops.
        rests = connection.is_kept_alive and not connection.received
        connection.state = State.IDLE if rests else State.REQUEST
        connection.deadline = time.monotonic() + within_s
        self._watch(connection, selectors.EVENT_READ)

    def _receive(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        if not data:
            self._close(connection)
            return
        if connection.state is State.IDLE:
            connection.state = State.REQUEST
            connection.deadline = time.monotonic() + REQUEST_S
        connection.received += data
        self._look_at_request(connection)

    def _look_at_request(self, connection: Connection) -> None:
        """Give the connection to a thread if its request is here as far as it has to be."""
        if connection.head is None:
            size = head_size(connection.received)
            if (size or len(connection.received)) > MOST_HEAD_BYTES:
                self._refuse(connection, *_TOO_LARGE)
            if size is None or connection.state is not State.REQUEST:
                return
            size = escape_target(connection.received, size)
            connection.head = read_head(bytes(connection.received[:size]))
            connection.deadline = time.monotonic() + REQUEST_S
        if len(connection.received) >= connection.head.size + connection.head.body_size:
            self.enqueue_req(connection)

    def enqueue_req(self, conn: Connection) -> None:
        assert conn.head is not None
        self._watch(conn, 0)
        conn.state, conn.deadline = State.RUNNING, inf
        conn.parser.unreader.unread(bytes(conn.received))
        conn.received = bytearray()
        threads = self.tpool
        conn.sock.keeps_unsent = True
        conn.sock.keeps_all = conn.sock.is_refused = False
        if conn.head.is_transfer:
            conn.address = client_address(conn.head, conn.peer, proxies=self._proxies)
            if self._transfers.admit(conn.address):
                conn.holds_transfer = True
                conn.sock.keeps_unsent = False
                threads = self._transfers.threads
            else:
                conn.sock.is_refused = True
        answered = threads.submit(self.handle, conn)
        answered.add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    # --- answers

    def finish_request(self, conn: Connection, fs: Future[Any]) -> None:
        self._guarded(self._answered, conn, fs)

    def _answered(self, connection: Connection, answered: Future[Any]) -> None:
        if connection.holds_transfer:
            connection.holds_transfer = False
            self._transfers.release(connection.address)
        result = answered.result()
        connection.sock.setblocking(False)
        if result is PAUSED:
            self._pause(connection)
            return
        connection.answer = None
        connection.is_kept_alive = bool(result)
        connection.state = State.SENDING
        connection.deadline = time.monotonic() + UNREAD_S
        self._send(connection)
        if connection.state is State.SENDING:
            self._watch(connection, selectors.EVENT_WRITE)
            self._limit_unsent()

    def _send(self, connection: Connection) -> None:
        if connection.sock.send_unsent():
            connection.deadline = time.monotonic() + UNREAD_S
        if connection.sock.unsent_bytes:
            return
        if not connection.is_kept_alive:
            self._close_gently(connection)
            return
        # The next request may have been read with the body of the last.
        connection.received[:0] = connection.parser.unreader.take_buffered()
        keep_s = self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER
        self._expect_request(
            connection, within_s=REQUEST_S if connection.received else float(keep_s)
        )
        if connection.received:
            self._look_at_request(connection)

    def _limit_unsent(self) -> None:
        """Keep no more for all slow readers than for one: who took nothing for longest goes."""
        sending = [one for one in self._connections if one.state is State.SENDING]
        while sum(one.sock.unsent_bytes for one in sending) > MOST_UNSENT_BYTES:
            longest = min(sending, key=lambda one: one.deadline)
            sending.remove(longest)
            self._close(longest)

    def _refuse(self, connection: Connection, status: str, text: str) -> None:
        """Answer a request that no thread will see."""
        log.debug("request refused", status=status, client=connection.peer)
        answer = _REFUSAL.format(status=status, length=len(text), text=text)
        connection.sock.keeps_unsent = True
        connection.sock.sendall(answer.encode())
        self._close_gently(connection)

    # --- the end of connections

    def _close_gently(self, connection: Connection) -> None:
        """Close our end, and the other once the client has closed it or after a while.

        A connection that is closed over bytes that nobody read is reset, and the answer with it.
        """
        connection.sock.shutdown(socket.SHUT_WR)
        connection.state = State.CLOSING
        connection.deadline = time.monotonic() + _CLOSE_S
        self._watch(connection, selectors.EVENT_READ)

    def _drain(self, connection: Connection) -> None:
        data = connection.sock.recv(RECEIVE_BYTES)
        connection.drained_bytes += len(data)
        if not data or connection.drained_bytes > _CLOSE_BYTES:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        if connection.state is State.CLOSED:
            return
        self._watch(connection, 0)
        connection.state = State.CLOSED
        self._drop_answer(connection)
        self._connections.discard(connection)
        self.nr_conns -= 1
        connection.close()

    def murder_pending(self) -> None:
        """End what has waited for too long; gunicorn calls this in each turn of its loop."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_EVERY_S
        if not self.alive:
            self._stop(now)
        for connection in [one for one in self._connections if one.deadline <= now]:
            if connection.state is State.REQUEST and connection.received:
                self._guarded(self._refuse, connection, *_TIMED_OUT)
            else:
                self._close(connection)

    def _stop(self, now: float) -> None:
        """End idle connections soon, and transfers after a third of the time for the end.

        An upload that is broken off here has the rest of it to store what came.
        """
        if self._stopped_at is None:
            self._stopped_at = now
            for connection in self._connections:
                if connection.state in (State.IDLE, State.REQUEST):
                    connection.deadline = min(connection.deadline, now + STOP_KEEPALIVE_LINGER)
                elif connection.state is State.WAITING:
                    connection.wait.stop()
        if now < self._stopped_at + self.cfg.graceful_timeout / 3:
            return
        for connection in self._connections:
            if connection.holds_transfer:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)

    # --- the loop

    def _watch(self, connection: Connection, events: int) -> None:
        """Have the loop wait for `events` of the connection, and for no others."""
        sock = connection.sock
        if sock.fileno() < 0 or sock.fileno() not in self.poller.get_map():
            if events:
                self.poller.register(sock, events, partial(self._happened, connection))
        elif events:
            self.poller.modify(sock, events, partial(self._happened, connection))
        else:
            self.poller.unregister(sock)

    def _happened(self, connection: Connection, _: Any) -> None:
        match connection.state:
            case State.IDLE | State.REQUEST:
                self._guarded(self._receive, connection)
            case State.SENDING:
                self._guarded(self._send, connection)
            case State.WAITING:
                self._guarded(self._look_at_waiting, connection)
            case State.CLOSING:
                self._guarded(self._drain, connection)
            case _:  # something before it in this turn of the loop changed that
                pass

    def _guarded(self, do: Callable[..., None], connection: Connection, *args: Any) -> None:
        """Do it, and close the connection if that fails: one client never ends the loop."""
        try:
            do(connection, *args)
        except OSError:
            self._close(connection)
        except Exception:
            log.exception("a connection failed")
            self._close(connection)
