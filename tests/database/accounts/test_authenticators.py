"""The second step of a sign-in, on both databases."""

from __future__ import annotations

import time

import pyotp
import pytest
from sqlalchemy import func, select, update

from shared import accounts, audit
from shared.accounts import SecondStepNeeded
from shared.accounts.errors import AuthenticatorThere, TooManyAttempts, WrongCode, WrongPassword
from shared.audit import AuditFilter
from shared.db import Database, database_now
from shared.models import Authenticator, RecoveryCode, SignInAttempt
from tests.support.people import (
    ATTEMPTS,
    HERE,
    LIMITS,
    PASSWORD,
    a_person,
    an_admin,
    at_once,
    enter,
)


def code_of(db: Database, user_id: str, *, steps: int = 0) -> str:
    """The code that the app of an account shows, or showed or will show so many steps from now."""
    with db.reading() as session:
        secret = session.get_one(Authenticator, user_id).secret
    return pyotp.TOTP(secret).at(time.time(), counter_offset=steps)


def add_authenticator(db: Database, user_id: str) -> list[str]:
    """Returns the recovery codes. The code of two steps ago is the last that was used."""
    accounts.begin_enrolment(db, user_id)
    code = code_of(db, user_id)
    codes = accounts.confirm(db, ATTEMPTS, user_id=user_id, code=code, address=HERE)
    with db.writing() as session:
        session.execute(update(Authenticator).values(last_step=Authenticator.last_step - 2))
    return codes


def finish(db: Database, needed: SecondStepNeeded, code: str) -> accounts.Person:
    return accounts.finish_sign_in(db, ATTEMPTS, needed, code=code, address=HERE)[0]


def first_step(db: Database, name: str = "Anna") -> SecondStepNeeded:
    with pytest.raises(SecondStepNeeded) as asked:
        enter(db, name)
    return asked.value


def test_a_code_is_asked_for_once_the_first_was_right(db: Database) -> None:
    anna = an_admin(db)
    accounts.begin_enrolment(db, anna.id)
    assert enter(db)  # an app that was never confirmed locks nobody out
    with pytest.raises(WrongCode):
        accounts.confirm(db, ATTEMPTS, user_id=anna.id, code="000 00", address=HERE)
    assert not accounts.has_authenticator(db, anna.id)
    codes = add_authenticator(db, anna.id)
    assert len(set(codes)) == 10 and accounts.with_authenticators(db) == {anna.id}
    with pytest.raises(AuthenticatorThere):
        accounts.begin_enrolment(db, anna.id)
    code = code_of(db, anna.id)
    assert finish(db, first_step(db), f" {code[:3]} {code[3:]} ").id == anna.id
    assert find_key(db, anna.id)


def find_key(db: Database, user_id: str) -> accounts.Person | None:
    """A key's owner: programs are asked for no code."""
    return accounts.find_by_key(db, accounts.make_key(db, user_id=user_id, name="import"))


def test_a_code_is_good_once_however_many_send_it_at_once(db: Database) -> None:
    anna = an_admin(db)
    codes = add_authenticator(db, anna.id)
    needed = first_step(db)
    code = code_of(db, anna.id)
    came = at_once(*[lambda: finish(db, needed, code)] * 3)
    assert sum(isinstance(one, accounts.Person) for one in came) == 1
    forget_attempts(db)
    with pytest.raises(WrongCode):  # nor one from before
        finish(db, needed, code_of(db, anna.id, steps=-1))
    came = at_once(*[lambda: finish(db, needed, codes[0].upper().replace("-", " "))] * 2)
    assert sum(isinstance(one, accounts.Person) for one in came) == 1
    assert accounts.recovery_codes_left(db, anna.id) == 9
    with db.reading() as session:
        stored = set(session.scalars(select(RecoveryCode.code_sha256)))
    assert not stored & set(codes)


def forget_attempts(db: Database) -> None:
    with db.writing() as session:
        for one in session.scalars(select(SignInAttempt)):
            session.delete(one)


def test_clocks_may_differ_by_one_step(db: Database) -> None:
    anna = an_admin(db)
    add_authenticator(db, anna.id)
    needed = first_step(db)
    for steps in (-3, 3):
        with pytest.raises(WrongCode):
            finish(db, needed, code_of(db, anna.id, steps=steps))
    forget_attempts(db)
    assert finish(db, needed, code_of(db, anna.id, steps=1))


def test_what_nobody_confirmed_for_long_has_to_be_begun_again(db: Database) -> None:
    anna = an_admin(db)
    accounts.begin_enrolment(db, anna.id)
    code = code_of(db, anna.id)
    with db.writing() as session:
        session.execute(update(Authenticator).values(created_at=database_now(-901)))
    assert accounts.secret_to_confirm(db, anna.id) is None
    with pytest.raises(WrongCode):
        accounts.confirm(db, ATTEMPTS, user_id=anna.id, code=code, address=HERE)


def test_codes_are_counted_and_a_right_password_forgets_none(db: Database) -> None:
    anna = an_admin(db)
    add_authenticator(db, anna.id)
    for _ in range(3):
        with pytest.raises(WrongCode):
            finish(db, first_step(db), "000000x")
    with pytest.raises(TooManyAttempts):
        finish(db, first_step(db), code_of(db, anna.id))
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(SignInAttempt)) == 3
    refused = audit.page_of(db, AuditFilter(kind="sign_in.code_refused"), most=9)[0]
    assert [one.subject_name for one in refused] == ["Anna"] * 3


def test_the_first_step_is_of_no_use_after_another_password_or_without_the_account(
    db: Database,
) -> None:
    anna, bo = an_admin(db), a_person(db)
    add_authenticator(db, bo.id)
    needed = first_step(db, "Bo")
    accounts.reset_password(db, bo.id, f"another {PASSWORD}")
    with pytest.raises(WrongPassword):
        finish(db, needed, code_of(db, bo.id))
    accounts.reset_password(db, bo.id, PASSWORD, is_temporary=False)
    needed = first_step(db, "Bo")
    accounts.disable(db, bo.id)
    with pytest.raises(WrongPassword):
        finish(db, needed, code_of(db, bo.id, steps=1))
    with pytest.raises(WrongCode):  # of an account that has none
        finish(db, SecondStepNeeded(anna.id, needed.proof), "000000")


def test_it_is_taken_off(db: Database) -> None:
    anna = an_admin(db)
    (old, *_) = add_authenticator(db, anna.id)
    accounts.replace_recovery_codes(db, anna.id)
    with pytest.raises(WrongCode):
        accounts.prove(db, ATTEMPTS, user_id=anna.id, code=old, address=HERE)
    assert accounts.remove_authenticator(db, anna.id)
    assert not accounts.remove_authenticator(db, anna.id)
    assert accounts.recovery_codes_left(db, anna.id) == 0
    assert accounts.sign_in(db, LIMITS, ATTEMPTS, name="Anna", password=PASSWORD, address=HERE)
