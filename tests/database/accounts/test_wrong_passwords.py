"""How often a password may be tried, on both databases."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import text, update

from shared import accounts
from shared.accounts import AttemptLimit
from shared.accounts.errors import (
    TooManyAttempts,
    WrongPassword,
)
from shared.db import Database, database_now
from shared.models import SignInAttempt
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


def wrong(db: Database, name: str = "Anna", *, at: str = HERE, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(WrongPassword):
            enter(db, name, "a wrong one", at=at)


def test_after_so_many_wrong_passwords_the_right_one_has_to_wait(db: Database) -> None:
    an_admin(db)
    wrong(db, times=ATTEMPTS.most)
    with pytest.raises(TooManyAttempts) as raised:
        enter(db)
    assert 0 < raised.value.retry_after_s <= ATTEMPTS.window_s
    enter(db, at="192.0.2.77")  # who sits elsewhere is not locked out by a stranger
    with db.writing() as session:
        session.execute(update(SignInAttempt).values(at=database_now(-ATTEMPTS.window_s - 1)))
    enter(db)


def test_a_right_password_forgets_the_wrong_ones_of_its_person_only(db: Database) -> None:
    an_admin(db)
    a_person(db)
    wrong(db, "Bo", times=ATTEMPTS.most)
    wrong(db, times=ATTEMPTS.most - 1)
    enter(db)
    wrong(db, times=ATTEMPTS.most)
    with pytest.raises(TooManyAttempts):
        enter(db, "Bo")


def test_an_address_has_so_many_attempts_over_all_names(db: Database) -> None:
    for number in range(5 * ATTEMPTS.most):
        wrong(db, f"name {number}")
    with pytest.raises(TooManyAttempts):
        wrong(db, "one more")
    wrong(db, "one more", at="192.0.2.77")


def test_an_account_has_so_many_attempts_over_all_addresses(db: Database) -> None:
    an_admin(db)
    for number in range(10 * ATTEMPTS.most):
        wrong(db, at=f"198.51.100.{number}")
    with pytest.raises(TooManyAttempts):
        enter(db, at="203.0.113.9")


def test_attempts_at_once_are_no_more_than_one_after_another(db: Database) -> None:
    an_admin(db)

    def guess() -> None:
        enter(db, password="a wrong one")

    came_of_it = at_once(*[guess] * (4 * ATTEMPTS.most))
    looked_at = [result for result in came_of_it if isinstance(result, WrongPassword)]
    refused = [result for result in came_of_it if isinstance(result, TooManyAttempts)]
    assert len(looked_at) == ATTEMPTS.most
    assert len(refused) == 3 * ATTEMPTS.most


def test_whoever_is_refused_may_ask_again_without_waiting_longer(db: Database) -> None:
    an_admin(db)
    limit = AttemptLimit(most=2, window_s=1.5)
    for _ in range(2):
        with pytest.raises(WrongPassword):
            accounts.sign_in(db, LIMITS, limit, name="Anna", password="wrong", address=HERE)
    deadline = time.monotonic() + 60
    while True:
        try:
            accounts.sign_in(db, LIMITS, limit, name="Anna", password=PASSWORD, address=HERE)
            break
        except TooManyAttempts:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_name_that_was_tried_is_not_kept_in_the_open(db: Database) -> None:
    wrong(db, "my secret password in the wrong field")
    with db.reading() as session:
        kept = session.execute(text("SELECT account, address FROM sign_in_attempts")).one()
    assert "secret" not in str(kept)
