"""Change of a password, one's own or another person's, which ends all sign-ins of its account."""

from __future__ import annotations

import hmac

from sqlalchemy import delete

from shared import audit
from shared.accounts import passwords
from shared.accounts.errors import SamePassword, WrongPassword
from shared.accounts.users import Person, as_person, found
from shared.accounts.wrong_passwords import AttemptLimit, begin_attempt, was_right
from shared.audit import Act
from shared.db import Database
from shared.models import SignIn


def require_password(
    db: Database, limit: AttemptLimit, *, user_id: str, password: str, address: str
) -> None:
    """Check that whoever is signed in knows the account's password, where that matters; a wrong one
    counts as at a sign-in. Raises AccountNotFound, WrongPassword or TooManyAttempts."""
    with db.reading() as session:
        user = found(session, user_id)
    attempt = begin_attempt(db, limit, name_key=user.name_key, address=address)
    if not passwords.matches(user.password_hash, password):
        with db.writing() as session:
            audit.record(session, Act.PASSWORD_REFUSED, object_id=user_id, subject_id=user_id)
        raise WrongPassword(param="password")
    with db.writing() as session:
        was_right(session, attempt)


def reset_password(
    db: Database, user_id: str, password: str, *, is_temporary: bool = True
) -> Person:
    """Set another person's password, and end all their sign-ins.

    With `is_temporary` they must choose their own at the next sign-in. Raises AccountNotFound or
    UnusablePassword.
    """
    with db.reading() as session:
        user = found(session, user_id)
    passwords.require_acceptable(password, user.name)
    _set_password(db, user_id, password, is_temporary=is_temporary)
    return as_person(user)


def change_password(
    db: Database,
    limit: AttemptLimit,
    *,
    user_id: str,
    current: str,
    new: str,
    address: str,
) -> None:
    """Change one's own password, and end all one's sign-ins.

    `address` is the client's, for counting attempts. Raises AccountNotFound, UnusablePassword,
    SamePassword, WrongPassword or TooManyAttempts.
    """
    with db.reading() as session:
        user = found(session, user_id)
    passwords.require_acceptable(new, user.name)
    # Counted, since somebody at a browser left open could try passwords here.
    attempt = begin_attempt(db, limit, name_key=user.name_key, address=address)
    if not passwords.matches(user.password_hash, current):
        with db.writing() as session:
            audit.record(session, Act.PASSWORD_REFUSED, object_id=user_id, subject_id=user_id)
        raise WrongPassword(param="current")
    if hmac.compare_digest(current.encode(), new.encode()):
        raise SamePassword(param="password")
    _set_password(db, user_id, new, is_temporary=False, attempt=attempt)


def _set_password(
    db: Database, user_id: str, password: str, *, is_temporary: bool, attempt: int | None = None
) -> None:
    made = passwords.hashed(password)  # slow, so before the transaction
    with db.writing() as session:
        user = found(session, user_id)
        user.password_hash = made
        user.password_is_temporary = is_temporary
        session.execute(delete(SignIn).where(SignIn.user_id == user_id))
        if attempt is None:
            audit.record(session, Act.PASSWORD_RESET, object_id=user_id, subject_id=user_id)
        else:
            was_right(session, attempt)
            audit.record(session, Act.PASSWORD_CHANGED, object_id=user_id, subject_id=user_id)
