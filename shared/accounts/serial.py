"""Transactions about accounts that must see each other: who is first, who is last, who tries."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.db import Database

_KEY = 0x6C6F6E67_61636374
"""The key of PostgreSQL's lock, ours alone in the database."""


def one_at_a_time(session: Session, db: Database) -> None:
    """Wait for the others, and keep them waiting until this transaction ends.

    SQLite has one writer anyway.
    """
    if not db.is_sqlite:
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _KEY})
