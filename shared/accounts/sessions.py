"""Sign-ins of browsers: a random token in a cookie, whose SHA-256 is stored in a row.

Not Flask-Login (0.6): it keeps the account's id in a signed cookie, which stays good after signing
out elsewhere. Ending a sign-in at once needs these rows all the same, and with them it would spare
a few lines of `web.authentication`.
"""

from __future__ import annotations

import hmac
import secrets
from functools import cache
from typing import NoReturn

from sqlalchemy import Select, bindparam, delete, select, update
from sqlalchemy.orm import Session, contains_eager

from shared import audit
from shared.accounts import authenticators, passwords
from shared.accounts.credentials import digest, noted_every_s
from shared.accounts.errors import WrongPassword
from shared.accounts.sign_in_expiry import SessionLimits, is_over
from shared.accounts.users import Person, as_person, name_key
from shared.accounts.wrong_passwords import AttemptLimit, begin_attempt, was_right
from shared.audit import Act
from shared.db import Database, database_now
from shared.models import SignIn, User

_TOKEN_BYTES = 32


class SecondStepNeeded(Exception):
    """The password was right, and a code is asked for besides. `proof` stands for this password:
    with another it is of no use."""

    def __init__(self, user_id: str, proof: str) -> None:
        super().__init__()
        self.user_id = user_id
        self.proof = proof


def sign_in(
    db: Database,
    limits: SessionLimits,
    attempts: AttemptLimit,
    *,
    name: str,
    password: str,
    address: str,
) -> tuple[Person, str]:
    """Sign a person in by name and password. Returns the person and the token of the sign-in.

    `address` is the client's, for counting attempts. Raises TooManyAttempts, or WrongPassword,
    after the same time whatever was wrong; SecondStepNeeded where the password was right and the
    account has an authenticator.
    """
    key = name_key(name)
    attempt = begin_attempt(db, attempts, name_key=key, address=address)
    with db.reading() as session:
        user = session.scalars(select(User).where(User.name_key == key)).one_or_none()
    # Checked for a disabled account too, so that its time does not tell it from a missing one.
    right = passwords.matches(user.password_hash if user else None, password)
    if user is None or not right or user.disabled_at is not None:
        _refuse(db, user)
    rehashed = passwords.hashed(password) if passwords.is_outdated(user.password_hash) else None
    with db.writing() as session:
        was_right(session, attempt)
        session.execute(delete(SignIn).where(is_over(limits)))
        # The account may have been disabled or given another password while the hash was computed.
        unchanged = (
            select(User)
            .where(
                User.id == user.id,
                User.password_hash == user.password_hash,
                User.disabled_at.is_(None),
            )
            .with_for_update()
        )
        current = session.scalars(unchanged).one_or_none()
        if current is not None:
            if rehashed is not None:
                current.password_hash = rehashed
            if not authenticators.asks_for_a_code(session, user.id):
                return as_person(current), begin_within(session, user.id)
    if current is not None:
        raise SecondStepNeeded(user.id, _proof(current))
    _refuse(db, user)


def finish_sign_in(
    db: Database, attempts: AttemptLimit, needed: SecondStepNeeded, *, code: str, address: str
) -> tuple[Person, str]:
    """Sign in whose password was right, by the second step's code. Returns as `sign_in`.

    Raises WrongCode, TooManyAttempts, or WrongPassword where the account was disabled or given
    another password meanwhile.
    """
    authenticators.prove(db, attempts, user_id=needed.user_id, code=code, address=address)
    with db.writing() as session:
        user = session.get(User, needed.user_id, with_for_update=True)
        if user and user.disabled_at is None and hmac.compare_digest(_proof(user), needed.proof):
            return as_person(user), begin_within(session, user.id)
    _refuse(db, user)


def _proof(user: User) -> str:
    return digest(f"{user.id} {user.password_hash}")[:32]


def _refuse(db: Database, user: User | None) -> NoReturn:
    """Record a refused sign-in, under the account of the name if there is one: the name itself may
    be a password that was typed into the wrong field. Raises WrongPassword."""
    with db.writing() as session:
        audit.record(
            session,
            Act.SIGN_IN_REFUSED,
            subject_id=None if user is None else user.id,
            disabled=user is not None and user.disabled_at is not None,
        )
    raise WrongPassword


def begin(db: Database, user_id: str) -> str:
    """Begin a sign-in of a person who has just proved their identity. Returns its token."""
    with db.writing() as session:
        return begin_within(session, user_id)


def begin_within(session: Session, user_id: str) -> str:
    """Do what `begin` does, within a transaction."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    session.add(SignIn(token_sha256=digest(token), user_id=user_id))
    audit.record(session, Act.SIGNED_IN, subject_id=user_id, actor_id=user_id)
    return token


def find(db: Database, limits: SessionLimits, token: str) -> Person | None:
    """Find the person signed in with a token and note that it was used.

    None where the sign-in is unknown or over, or the account is disabled.
    """
    sha256 = digest(token)
    with db.reading() as session:
        found = session.execute(_of_token(limits), {"sha256": sha256}).one_or_none()
    if found is None:
        return None
    row, stale = found
    if stale:
        with db.writing() as session:
            of_token = update(SignIn).where(SignIn.token_sha256 == sha256)
            session.execute(of_token.values(seen_at=database_now()))
    return as_person(row.user)


@cache
def _of_token(limits: SessionLimits) -> Select[SignIn, bool]:
    """Select the sign-in of a token, its account, and whether its use has to be noted again.

    Built once: that takes longer than to carry it out, and every request of a page begins with it.
    """
    is_stale = (SignIn.seen_at <= database_now(-noted_every_s(limits))).label("is_stale")
    return (
        select(SignIn, is_stale)
        .join(SignIn.user)
        .where(
            SignIn.token_sha256 == bindparam("sha256"),
            ~is_over(limits),
            User.disabled_at.is_(None),
        )
        .options(contains_eager(SignIn.user))
    )


def forget_over(db: Database, limits: SessionLimits) -> int:
    """Delete the sign-ins that are over, and so what is told to browsers under them; how many."""
    any_over = select(SignIn.token_sha256).where(is_over(limits)).limit(1)
    with db.reading() as session:  # most looks find none, and leave SQLite's writer alone
        if session.execute(any_over).first() is None:
            return 0
    with db.writing() as session:
        over = delete(SignIn).where(is_over(limits)).returning(SignIn.token_sha256)
        return len(session.execute(over).all())


def end(db: Database, token: str) -> None:
    """End the sign-in of a token, if there is one."""
    with db.writing() as session:
        of_token = delete(SignIn).where(SignIn.token_sha256 == digest(token))
        user_id = session.scalar(of_token.returning(SignIn.user_id))
        if user_id is not None:
            audit.record(session, Act.SIGNED_OUT, subject_id=user_id, actor_id=user_id)


def end_all(db: Database, user_id: str) -> None:
    """End all sign-ins of a person."""
    with db.writing() as session:
        session.execute(delete(SignIn).where(SignIn.user_id == user_id))
        audit.record(session, Act.SIGNED_OUT_EVERYWHERE, subject_id=user_id)
