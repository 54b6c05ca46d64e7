"""Ordering of two transactions so that one waits for the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.orm import Session

from shared.db import Database


@contextmanager
def counting_at_once(db: Database, table: str) -> Iterator[None]:
    """Let two transactions that count rows of a table both count before either goes on, unless one
    has to wait for the other before it counts."""
    both_counted = Barrier(2)

    def counted(connection: object, cursor: object, statement: str, *given: object) -> None:
        if "count(" in statement and table in statement:
            with suppress(BrokenBarrierError):  # the other waits for this one
                both_counted.wait(0.5)

    event.listen(db.engine, "after_cursor_execute", counted)
    try:
        yield
    finally:
        event.remove(db.engine, "after_cursor_execute", counted)


_WAIT_FOR_THIS = text(
    "SELECT count(*) FROM pg_locks "
    "WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
)


def until_it_waits(session: Session, other: Future[Any]) -> None:
    """Return once `other` waits for a lock that the transaction of `session` holds, or is done.

    SQLite has one writer, which waits before it has done anything: there this returns at once.
    """
    if session.get_bind().dialect.name == "sqlite":
        return
    while not (session.scalar(_WAIT_FOR_THIS) or other.done()):
        time.sleep(0.01)
