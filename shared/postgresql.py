"""Connections to PostgreSQL that notice when nobody is at the other end.

A server that is gone breaks its connections, or refuses new ones.  One that is frozen, or behind a
network that drops everything, says nothing at all: its kernel goes on acknowledging bytes, so no
TCP option finds out.  Here a statement without an answer for `ANSWER_S` ends with its connection.
The server may still carry it out when it thaws; a COMMIT among them is one in doubt, and whoever
repeats a write must be able to tell that it was done (`shared.jobs.lease.renew`).
"""

from __future__ import annotations

import time
from collections.abc import Generator
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Engine, ExceptionContext, event, make_url

if TYPE_CHECKING:
    import psycopg

ANSWER_S = 15.0
"""Ours are statements of milliseconds.  More than `_IDLE_MS`, so that one that waits for the locks
of a process that froze gets them first."""

_IDLE_MS = 10_000
"""The server itself ends a transaction whose client says nothing for so long (a process that was
frozen, a machine that went away), and gives its locks to others."""

CONNECT_OPTIONS: dict[str, Any] = {
    "connect_timeout": 5,
    # Where the connection is TCP, its kernel finds out likewise that the machine is gone.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": int(ANSWER_S * 1000),
    # Whatever PGCLIENTENCODING says, and where the server has no encoding to suggest.
    "client_encoding": "UTF8",
}

_PREPARED = "prepared_statements"


def address(url: str) -> tuple[URL, dict[str, Any]]:
    """Parse a database URL into the address and the options of its connections.
    `prepared_statements=off` in the URL's query is for poolers that give one connection's
    transactions to several servers: what was prepared in one is not known to the next, or known
    already."""
    parsed = make_url(url)
    if parsed.query.get(_PREPARED) != "off":
        return parsed, CONNECT_OPTIONS
    options = {**CONNECT_OPTIONS, "prepare_threshold": None}
    return parsed.difference_update_query([_PREPARED]), options


_PASSING_CLASSES = ("08", "53", "57P0")
"""SQLSTATEs of a connection that failed, of resources that ran out (a full disk, too many
connections), and of a server that starts, stops or has crashed."""

_PASSING = frozenset({"25006", "25P03", "40001", "40P01"})
"""A standby that does not take over yet, a transaction ended for its silence, and the victim of a
deadlock or of a conflict with another transaction."""


_PLAN_OUTDATED = "0A000"
"""Error code of a statement that was prepared before a migration changed the type of a column."""


def is_passing(state: str) -> bool:
    """Return whether the error of SQLSTATE `state` may be over when the statement is tried
    again."""
    return state.startswith(_PASSING_CLASSES) or state in _PASSING


@cache
def _impatient_connection() -> type[psycopg.Connection[Any]]:
    """The class of connections that are given up when the server says nothing."""
    # Not where SQLite is the database: the driver takes a tenth of a second to import.
    import psycopg

    class ImpatientConnection(psycopg.Connection[Any]):
        """Connection that raises OperationalError and closes itself when a statement gets no answer
        for ANSWER_S."""

        def wait(self, gen: Generator[Any, Any, Any], *args: Any, **kwargs: Any) -> Any:
            return super().wait(self._answered(gen), *args, **kwargs)

        def _answered(self, exchange: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
            """`exchange`, psycopg's conversation with the server, which yields while it waits."""
            asked_at = time.monotonic()
            try:
                wanted = next(exchange)
                while True:
                    ready = yield wanted
                    if not ready and time.monotonic() - asked_at > ANSWER_S:
                        exchange.close()
                        self.pgconn.finish()
                        raise psycopg.OperationalError(
                            f"no answer from the server for {ANSWER_S:g} s"
                        )
                    wanted = exchange.send(ready)
            except StopIteration as over:
                return over.value

    return ImpatientConnection


def ends_its_connection(error: BaseException) -> bool:
    """Return whether a statement fails on this connection for ever, and on a new one does not."""
    return getattr(error, "sqlstate", None) == _PLAN_OUTDATED


def configure(engine: Engine, *, impatient: bool) -> None:
    """Set up each connection that `engine` will make."""

    @event.listens_for(engine, "handle_error")
    def on_error(context: ExceptionContext) -> None:
        if ends_its_connection(context.original_exception):
            context.is_disconnect = True

    if impatient:
        connection_class = _impatient_connection()

        @event.listens_for(engine, "do_connect")
        def connect(dialect: object, record: object, args: Any, options: Any) -> Any:
            return connection_class.connect(*args, **options)

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: object) -> None:
        # Not among the connection's options: a pooler in between refuses those that it does not
        # know.
        connection.execute(f"SET idle_in_transaction_session_timeout = {_IDLE_MS}")
        connection.commit()
