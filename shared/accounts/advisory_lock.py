"""A lock for transactions on accounts that must run one after another."""

from __future__ import annotations

from sqlalchemy.orm import Session

from shared.dialects import hold_lock

_KEY = 0x6C6F6E67_61636374
"""The key of PostgreSQL's advisory lock, used for nothing else in the database."""


def one_at_a_time(session: Session) -> None:
    """Wait for other such transactions, and block them until this one ends."""
    hold_lock(session, _KEY)
