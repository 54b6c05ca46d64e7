"""Limits on wrong passwords.

An attempt is stored before its password is checked and removed if the password was right. Attempts
are stored one after another, so concurrent requests get no more than the limit. Within a window,
three counts of wrong passwords are limited: of an account from one address, of an address over all
accounts, and of an account over all addresses. The last limit is ten times the first, so whoever
wants to lock another person out needs ten addresses.

Not Flask-Limiter: the storages of its `limits` (5.8) are memory, Redis, Memcached and MongoDB. In
memory each web process would count for itself, and Redis may be down or emptied here; SQL is there
whenever anybody can sign in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from shared import audit
from shared.accounts.advisory_lock import one_at_a_time
from shared.accounts.errors import TooManyAttempts
from shared.audit import Act
from shared.db import Database, database_now
from shared.errors import LongscribeError
from shared.models import SignInAttempt

_OF_AN_ADDRESS = 5
"""The limit of an address over all accounts, as a multiple of `AttemptLimit.most`."""

_OF_AN_ACCOUNT = 10
"""The limit of an account over all addresses, as a multiple of `AttemptLimit.most`."""

_SOONEST_S = 1.0
"""The shortest wait, in seconds, that a refusal names."""


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """The limit of `most` wrong passwords per account and address within `window_s` seconds."""

    most: int
    window_s: float


def begin_attempt(db: Database, limit: AttemptLimit, *, name_key: str, address: str) -> int:
    """Store an attempt and return its id. Raises TooManyAttempts, and then stores nothing."""
    account = hashlib.sha256(name_key.encode()).hexdigest()
    of_account = SignInAttempt.account == account
    of_address = SignInAttempt.address == address[:64]
    rules = (
        (limit.most, (of_account, of_address)),
        (limit.most * _OF_AN_ADDRESS, (of_address,)),
        (limit.most * _OF_AN_ACCOUNT, (of_account,)),
    )
    try:
        with db.writing() as session:
            one_at_a_time(session)
            session.execute(
                delete(SignInAttempt).where(SignInAttempt.at <= database_now(-limit.window_s))
            )
            for most, conditions in rules:
                _refuse_beyond(session, most, limit.window_s, conditions)
            attempt = SignInAttempt(account=account, address=address[:64])
            session.add(attempt)
            session.flush()
            return attempt.id
    except TooManyAttempts:
        with db.writing() as session:
            audit.record_limited(session, address=address)
        raise


def _refuse_beyond(
    session: Session, most: int, window_s: float, conditions: tuple[ColumnElement[bool], ...]
) -> None:
    """Refuse an attempt where `most` that fulfil the conditions are stored already.

    A refused attempt is not stored, so asking again does not prolong the wait.
    Raises TooManyAttempts with the seconds to wait.
    """
    newest = (
        select(SignInAttempt.at)
        .where(*conditions)
        .order_by(SignInAttempt.at.desc(), SignInAttempt.id.desc())
    )
    tried = session.scalars(newest.limit(most)).all()
    if len(tried) < most:
        return
    now: datetime = session.scalars(select(database_now())).one()
    # The next may be made when the oldest of those that count has left the window.
    wait_s = max(_SOONEST_S, window_s - (now - tried[-1]).total_seconds())
    raise TooManyAttempts(retry_after_s=wait_s)


def require_attempts_left(
    db: Database, limit: AttemptLimit, *, name_key: str, address: str
) -> None:
    """Check that there may be another wrong attempt of an account from an address, and store none.
    Raises TooManyAttempts."""
    account = hashlib.sha256(name_key.encode()).hexdigest()
    recent = SignInAttempt.at > database_now(-limit.window_s)
    of_address = SignInAttempt.address == address[:64]
    with db.reading() as session:
        _refuse_beyond(
            session,
            limit.most,
            limit.window_s,
            (SignInAttempt.account == account, of_address, recent),
        )


@contextmanager
def attempt(db: Database, limit: AttemptLimit, *, name: str, address: str) -> Iterator[None]:
    """Count what runs within as a wrong attempt if it raises, and record that. Raises
    TooManyAttempts."""
    number = begin_attempt(db, limit, name_key=name, address=address)
    try:
        yield
    except LongscribeError:
        with db.writing() as session:
            audit.record(session, Act.SIGN_IN_REFUSED)
        raise
    with db.writing() as session:
        was_right(session, number)


def was_right(session: Session, attempt: int) -> None:
    """Remove an attempt, and earlier wrong ones of its account from the same address."""
    made = session.get(SignInAttempt, attempt)
    if made is not None:
        session.execute(
            delete(SignInAttempt).where(
                SignInAttempt.account == made.account, SignInAttempt.address == made.address
            )
        )
