"""A lock for transactions on accounts that must run one after another."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.db import Database

_KEY = 0x6C6F6E67_61636374
"""The key of PostgreSQL's advisory lock, used for nothing else in the database."""


def one_at_a_time(session: Session, db: Database) -> None:
    """Wait for other such transactions, and block them until this one ends.

    Does nothing in SQLite, which has one writer at a time anyway.
    """
    if not db.is_sqlite:
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _KEY})
