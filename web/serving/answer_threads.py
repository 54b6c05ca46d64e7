"""The threads' side of the worker: answers that are given, and those that wait in between."""

from __future__ import annotations

import errno
import selectors
import time
from concurrent.futures import Future
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Any

import structlog
from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from web.serving.answer import Answer
from web.serving.arriving_body import ArrivingBody
from web.serving.client_socket import ClientStalled
from web.serving.connection_state import Connection, State

log = structlog.stdlib.get_logger(__name__)

PAUSED = object()
"""Value that a thread returns when it leaves an answer that waits."""

UNREAD_S = 60.0
"""Seconds for a client to take some more of an answer."""

RECEIVE_BYTES = 64 * 1024

_CLIENT_IS_GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)

_DRAINED_BYTES = 32 * 1024
"""Bytes: gunicorn reads more than so many of a body that was not read, for the sake of the next
request."""


class AnsweringWorker(ThreadWorker):  # type: ignore[misc]
    """A worker whose answers may wait: they hold their connection then, and no thread."""

    if TYPE_CHECKING:

        def _watch(self, connection: Connection, events: int) -> None: ...
        def _close(self, connection: Connection) -> None: ...
        def _guarded(self, do: Any, connection: Connection, *args: Any) -> None: ...
        def finish_request(self, conn: Connection, fs: Future[Any]) -> None: ...

    # --- for a thread

    def handle_request(self, req: Any, conn: Connection) -> Any:
        req.body = body = ArrivingBody(req.body)
        if conn.sock.is_refused:
            req.force_close()  # or the thread would wait for the body that nobody wants
        is_last = req.should_close

        def should_close() -> bool:
            # Asked when the head of the answer is written. A client that is not told reuses the
            # connection, which is closed over a body that was not read.
            return bool(is_last()) or body.rest_bytes > _DRAINED_BYTES

        req.should_close = should_close
        conn.answer = Answer(req, conn, self.cfg)
        if not self.alive or not self.cfg.keepalive:
            conn.answer.response.force_close()
        return self._give(conn)

    def _give(self, conn: Connection) -> Any:
        """Continue a connection's answer; return whether the connection is kept, or PAUSED."""
        answer = conn.answer
        assert answer is not None
        try:
            conn.wait = answer.give(self.wsgi)
        except ClientStalled as stalled:
            # Not gunicorn's to tell, which takes it for a fault of the server.
            log.info("a client took no more of its answer", client=conn.peer, because=str(stalled))
            raise StopIteration from None
        except OSError:
            raise
        except Exception:
            if not answer.response.headers_sent:
                raise
            log.exception("an answer broke off")  # an error page would be a part of it
            util.close_graceful(conn.sock)
            raise StopIteration from None
        return not answer.response.should_close() if conn.wait is None else PAUSED

    def _keepalive_after(self, conn: Connection, keepalive: Any) -> Any:
        return keepalive if keepalive is PAUSED else super()._keepalive_after(conn, keepalive)

    def _go_on(self, conn: Connection) -> Any:
        """Give more of an answer that has waited; for a thread, as gunicorn's `handle`."""
        answer = conn.answer
        assert answer is not None
        try:
            conn.sock.setblocking(True)
            return self._keepalive_after(conn, self._give(conn))
        except StopIteration:
            pass
        except OSError as error:
            if error.errno not in _CLIENT_IS_GONE:
                log.exception("an answer broke off")
        except Exception as error:  # noqa: BLE001 - the boundary, as gunicorn's own
            self.handle_error(answer.request, conn.sock, conn.client, error)
        return False

    # --- for the loop

    def _pause(self, connection: Connection) -> None:
        connection.state, connection.is_woken = State.WAITING, False
        wait = connection.wait
        self._wait(connection)
        wait.then(lambda: self.method_queue.defer(self._woken, connection, wait))
        if not self.alive:
            wait.stop()

    def _woken(self, connection: Connection, wait: Any) -> None:
        if connection.state is State.WAITING and connection.wait is wait:
            connection.is_woken = True
            self._guarded(self._wait, connection)

    def _wait(self, connection: Connection) -> None:
        """Send what the client takes, and give the rest to a thread once there is more.

        A client that does not read is told nothing more meanwhile, and ended after a while.
        """
        connection.sock.send_unsent()
        unsent = connection.sock.unsent_bytes
        if connection.is_woken and not unsent:
            self._watch(connection, 0)
            connection.state, connection.deadline = State.RUNNING, inf
            connection.sock.keeps_unsent = connection.sock.keeps_all = True
            given = self.tpool.submit(self._go_on, connection)
            given.add_done_callback(
                lambda done: self.method_queue.defer(self.finish_request, connection, done)
            )
            return
        connection.deadline = time.monotonic() + UNREAD_S if unsent else inf
        events = selectors.EVENT_WRITE if unsent else 0
        # Who sends another request before this one is answered is read no further, nor seen to go.
        if not connection.received:
            events |= selectors.EVENT_READ
        self._watch(connection, events)

    def _look_at_waiting(self, connection: Connection) -> None:
        """Take what the client sends meanwhile, or its leave."""
        if not connection.received:
            with suppress(BlockingIOError):
                data = connection.sock.recv(RECEIVE_BYTES)
                if not data:
                    self._close(connection)
                    return
                connection.received += data
        self._wait(connection)

    def _drop_answer(self, connection: Connection) -> None:
        """End an answer that nobody will get, without harm to the loop."""
        answer, connection.answer = connection.answer, None
        try:
            if answer is not None:
                answer.close()
        except Exception:
            log.exception("an answer could not be ended")
