"""How often a password may be tried.

An attempt is written before the password is looked at and taken back if it was right, all of them
in turn, so that no number of requests at once gets one more.  Within a window, counted are the
wrong ones of an account from one address, of an address over all accounts, and of an account over
all addresses.  The last is the largest, so that a stranger who locks somebody out needs as many
addresses as ten.

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

from shared.accounts.errors import TooManyAttempts
from shared.accounts.serial import one_at_a_time
from shared.db import Database, database_now
from shared.models import SignInAttempt

_OF_AN_ADDRESS = 5
_OF_AN_ACCOUNT = 10
"""Times the attempts that an account has from one address."""

_SOONEST_S = 1.0


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """`most` wrong passwords for an account from one address within `window_s`."""

    most: int
    window_s: float


def begin_attempt(db: Database, limit: AttemptLimit, *, name_key: str, address: str) -> int:
    """Count an attempt and return its number. Raises TooManyAttempts."""
    account = hashlib.sha256(name_key.encode()).hexdigest()
    of_account = SignInAttempt.account == account
    of_address = SignInAttempt.address == address[:64]
    rules = (
        (limit.most, (of_account, of_address)),
        (limit.most * _OF_AN_ADDRESS, (of_address,)),
        (limit.most * _OF_AN_ACCOUNT, (of_account,)),
    )
    with db.writing() as session:
        one_at_a_time(session, db)
        session.execute(
            delete(SignInAttempt).where(SignInAttempt.at <= database_now(-limit.window_s))
        )
        for most, conditions in rules:
            _refuse_beyond(session, most, limit.window_s, conditions)
        attempt = SignInAttempt(account=account, address=address[:64])
        session.add(attempt)
        session.flush()
        return attempt.id


def _refuse_beyond(
    session: Session, most: int, window_s: float, conditions: tuple[ColumnElement[bool], ...]
) -> None:
    """A refused attempt is not counted, so that whoever waits gets in however often they asked."""
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


@contextmanager
def attempt(db: Database, limit: AttemptLimit, *, name: str, address: str) -> Iterator[None]:
    """What is tried within counts unless it ends well. Raises TooManyAttempts."""
    number = begin_attempt(db, limit, name_key=name, address=address)
    yield
    with db.writing() as session:
        was_right(session, number)


def was_right(session: Session, attempt: int) -> None:
    """Forget an attempt, and the wrong ones that its person made there before."""
    made = session.get(SignInAttempt, attempt)
    if made is not None:
        session.execute(
            delete(SignInAttempt).where(
                SignInAttempt.account == made.account, SignInAttempt.address == made.address
            )
        )
