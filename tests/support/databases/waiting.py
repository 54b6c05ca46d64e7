"""Ordering of two transactions so that one waits for the other."""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

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
