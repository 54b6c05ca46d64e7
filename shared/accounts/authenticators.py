"""The second step of a sign-in: codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

Codes have six digits and change every 30 s. The one before and the one after are taken too, for
clocks that differ, and none that is as old as the last that was accepted.
"""

from __future__ import annotations

import hmac
import re
import time
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, delete, func, select, update
from sqlalchemy.orm import Session

from shared import audit
from shared.accounts.advisory_lock import one_at_a_time
from shared.accounts.credentials import digest
from shared.accounts.errors import AccountNotFound, AuthenticatorThere, WrongCode
from shared.accounts.passwords import random_password
from shared.accounts.wrong_passwords import AttemptLimit, begin_attempt, was_right
from shared.audit import Act
from shared.db import Database, database_now
from shared.models import Authenticator, RecoveryCode, User

RECOVERY_CODES = 10
"""Number of recovery codes made at once, each of 80 random bits."""

_STEP_S = 30
_WINDOW = 1
"""Steps by which clocks may differ."""

_TO_CONFIRM_WITHIN_S = 900.0
"""Later its password is asked for again: at a browser left open nobody else confirms it."""

_SECRET_LETTERS = 32
"""Letters of a secret in base 32, so 160 bits."""

_CODE = re.compile(r"[0-9]{6}")
_LONGEST = 64


def begin_enrolment(db: Database, user_id: str) -> None:
    """Make the secret of a new authenticator, which counts once `confirm` was given a code of it.
    Raises AccountNotFound or AuthenticatorThere."""
    import pyotp

    with db.writing() as session:
        one_at_a_time(session)
        if session.get(User, user_id) is None:
            raise AccountNotFound
        if _confirmed(session, user_id) is not None:
            raise AuthenticatorThere
        session.execute(delete(Authenticator).where(Authenticator.user_id == user_id))
        session.add(Authenticator(user_id=user_id, secret=pyotp.random_base32(_SECRET_LETTERS)))


def secret_to_confirm(db: Database, user_id: str) -> str | None:
    """The secret of an authenticator that is being added; None if none is."""
    with db.reading() as session:
        return session.scalar(
            select(Authenticator.secret).where(Authenticator.user_id == user_id, *_to_confirm())
        )


def _to_confirm() -> tuple[ColumnElement[bool], ...]:
    """Conditions for an authenticator that was begun and can be confirmed."""
    return (
        Authenticator.confirmed_at.is_(None),
        Authenticator.created_at > database_now(-_TO_CONFIRM_WITHIN_S),
    )


def confirm(
    db: Database, limit: AttemptLimit, *, user_id: str, code: str, address: str
) -> list[str]:
    """Ask for codes of the new authenticator from now on. Returns the recovery codes, which cannot
    be read again. Raises WrongCode or TooManyAttempts."""
    attempt = _begin_attempt(db, limit, user_id, address)
    with db.writing() as session:
        one_at_a_time(session)
        new = session.scalars(
            select(Authenticator).where(Authenticator.user_id == user_id, *_to_confirm())
        ).one_or_none()
        step = _matching_step(new.secret, code) if new else None
        if new is None or step is None:
            raise WrongCode(param="code")
        new.confirmed_at = session.scalars(select(database_now())).one()
        new.last_step = step
        was_right(session, attempt)
        _record(session, Act.SECOND_STEP_ADDED, user_id)
        return _new_recovery_codes(session, user_id)


def prove(db: Database, limit: AttemptLimit, *, user_id: str, code: str, address: str) -> None:
    """Check a code of an account's authenticator, or a recovery code, and let it be used once.
    Wrong ones are counted apart from wrong passwords. Raises WrongCode or TooManyAttempts."""
    attempt = _begin_attempt(db, limit, user_id, address)
    with db.writing() as session:
        is_right = _take(session, user_id, code[:_LONGEST])
        if is_right:
            was_right(session, attempt)
        else:
            audit.record(session, Act.CODE_REFUSED, subject_id=user_id)
    if not is_right:
        raise WrongCode(param="code")


def remove_authenticator(db: Database, user_id: str) -> bool:
    """Ask an account for no codes any more; whether it was asked for some."""
    with db.writing() as session:
        had_one = _confirmed(session, user_id) is not None
        session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
        session.execute(delete(Authenticator).where(Authenticator.user_id == user_id))
        if had_one:
            _record(session, Act.SECOND_STEP_REMOVED, user_id)
        return had_one


def replace_recovery_codes(db: Database, user_id: str) -> list[str]:
    """Make new recovery codes in place of all that there are."""
    with db.writing() as session:
        one_at_a_time(session)
        return _new_recovery_codes(session, user_id)


def recovery_codes_left(db: Database, user_id: str) -> int:
    with db.reading() as session:
        mine = select(func.count()).select_from(RecoveryCode)
        return session.scalar(mine.where(RecoveryCode.user_id == user_id)) or 0


def asks_for_a_code(session: Session, user_id: str) -> bool:
    """Return whether a code is needed beside the password to open an account."""
    return _confirmed(session, user_id) is not None


def has_authenticator(db: Database, user_id: str) -> bool:
    """Tell whether a password alone does not open an account, in a transaction of its own."""
    with db.reading() as session:
        return asks_for_a_code(session, user_id)


def with_authenticators(db: Database) -> set[str]:
    """The accounts that a password alone does not open."""
    with db.reading() as session:
        wanted = select(Authenticator.user_id).where(Authenticator.confirmed_at.is_not(None))
        return set(session.scalars(wanted))


def _begin_attempt(db: Database, limit: AttemptLimit, user_id: str, address: str) -> int:
    # Not under the account's name: a right password forgets the wrong ones of that.
    return begin_attempt(db, limit, name_key=f"\x00code of {user_id}", address=address)


def _confirmed(session: Session, user_id: str) -> Authenticator | None:
    found = session.get(Authenticator, user_id)
    return found if found is not None and found.confirmed_at is not None else None


def _take(session: Session, user_id: str, code: str) -> bool:
    """Return whether a code is right and was not used before; it counts as used from now on, also
    for simultaneous requests."""
    authenticator = _confirmed(session, user_id)
    if authenticator is None:
        return False
    step = _matching_step(authenticator.secret, code)
    if step is not None:
        newer = (
            update(Authenticator)
            .where(Authenticator.user_id == user_id, Authenticator.last_step < step)
            .values(last_step=step)
            .execution_options(synchronize_session=False)
        )
        return _changed_one(session.execute(newer))
    used = delete(RecoveryCode).where(
        RecoveryCode.user_id == user_id, RecoveryCode.code_sha256 == _recovery_digest(code)
    )
    return _changed_one(session.execute(used))


def _changed_one(result: Any) -> bool:
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _matching_step(secret: str, code: str) -> int | None:
    """The step that a code belongs to, if it is one of now."""
    import pyotp

    given = "".join(code.split())
    if not _CODE.fullmatch(given):
        return None
    made = pyotp.TOTP(secret)
    now = int(time.time()) // _STEP_S
    found = None
    for step in range(now - _WINDOW, now + _WINDOW + 1):
        if hmac.compare_digest(made.generate_otp(step), given):
            found = step
    return found


def _new_recovery_codes(session: Session, user_id: str) -> list[str]:
    codes = [random_password() for _ in range(RECOVERY_CODES)]
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    session.add_all(
        RecoveryCode(user_id=user_id, code_sha256=_recovery_digest(code)) for code in codes
    )
    _record(session, Act.RECOVERY_CODES_MADE, user_id)
    return codes


def _recovery_digest(code: str) -> str:
    return digest("".join(letter for letter in code.lower() if letter.isalnum()))


def _record(session: Session, act: Act, user_id: str) -> None:
    audit.record(session, act, object_id=user_id, subject_id=user_id)
