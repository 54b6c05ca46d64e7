"""API keys, and knowing who asks, on both databases."""

from __future__ import annotations

import time
from functools import partial

import pytest
from sqlalchemy import event, select, update

from shared import accounts
from shared.accounts import SessionLimits, keys
from shared.accounts.errors import KeyNotFound, TooManyKeys
from shared.db import Database, database_now
from shared.errors import InvalidRequest
from shared.models import ApiKey
from tests.support.databases.waiting import counting_at_once
from tests.support.people import (
    LIMITS,
    a_person,
    an_admin,
    at_once,
    enter,
)


def test_revoked_keys_are_kept_as_long_as_the_audit_log_names_them(db: Database) -> None:
    anna = an_admin(db)
    for name in ("long ago", "just now", "valid"):
        accounts.make_key(db, user_id=anna.id, name=name)
    for key in accounts.keys_of(db, anna.id)[:2]:
        accounts.revoke_key(db, user_id=anna.id, key_id=key.id)
    with db.writing() as session:
        long_ago = update(ApiKey).where(ApiKey.name == "long ago")
        session.execute(long_ago.values(revoked_at=database_now(-61)))
    accounts.forget_revoked(db, kept_s=60)
    with db.reading() as session:
        left = session.scalars(select(ApiKey.name).order_by(ApiKey.id)).all()
    assert left == ["just now", "valid"]


def test_made_at_the_same_moment_there_are_no_more_keys_than_allowed(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_MOST_KEYS", 1)
    anna = an_admin(db)
    made = [partial(accounts.make_key, db, user_id=anna.id, name=name) for name in ("a", "b")]
    with counting_at_once(db, "api_keys"):
        keys_or_errors = at_once(*made)
    assert sorted(isinstance(one, TooManyKeys) for one in keys_or_errors) == [False, True]


def test_a_key_counts_until_it_is_revoked_and_is_not_kept(db: Database) -> None:
    anna, bo = an_admin(db), a_person(db)
    key = accounts.make_key(db, user_id=anna.id, name="  nightly   import ")
    assert len(key) >= 43 and key.startswith(accounts.KEY_PREFIX)
    assert accounts.make_key(db, user_id=bo.id, name="other") != key
    [listed] = accounts.keys_of(db, anna.id)
    assert (listed.name, listed.last_used_at) == ("nightly import", None)
    assert accounts.find_by_key(db, key) == anna
    [listed] = accounts.keys_of(db, anna.id)
    assert listed.last_used_at is not None
    with db.reading() as session:
        stored = session.scalars(select(ApiKey.key_sha256).where(ApiKey.id == listed.id)).one()
    assert stored != key
    for wrong_key in ("", key[:-1], key + "x", key.upper(), stored):
        assert accounts.find_by_key(db, wrong_key) is None
    with pytest.raises(KeyNotFound):
        accounts.revoke_key(db, user_id=bo.id, key_id=listed.id)
    accounts.revoke_key(db, user_id=anna.id, key_id=listed.id)
    accounts.revoke_key(db, user_id=anna.id, key_id=listed.id)
    assert accounts.find_by_key(db, key) is None
    assert accounts.keys_of(db, anna.id) == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb\0"])
def test_a_key_says_what_it_is_for(db: Database, name: str) -> None:
    with pytest.raises(InvalidRequest):
        accounts.make_key(db, user_id=an_admin(db).id, name=name)


def test_an_account_has_a_bounded_number_of_keys(db: Database) -> None:
    anna = an_admin(db)
    for number in range(50):
        accounts.make_key(db, user_id=anna.id, name=str(number))
    with pytest.raises(InvalidRequest, match="Revoke some"):
        accounts.make_key(db, user_id=anna.id, name="one more")


def test_the_last_use_of_a_key_is_written_once_a_minute(db: Database) -> None:
    anna = an_admin(db)
    key = accounts.make_key(db, user_id=anna.id, name="program")
    accounts.find_by_key(db, key)

    def used() -> object:
        with db.reading() as session:
            return session.scalars(select(ApiKey.last_used_at)).one()

    first = used()
    time.sleep(0.01)
    accounts.find_by_key(db, key)
    assert used() == first
    with db.writing() as session:
        session.execute(update(ApiKey).values(last_used_at=database_now(-61)))
    accounts.find_by_key(db, key)
    assert used() > first  # type: ignore[operator]


def test_limits_of_a_session_are_those_that_were_given(db: Database) -> None:
    an_admin(db)
    token = enter(db)
    assert accounts.find(db, SessionLimits(idle_s=0.001, lifetime_s=60), token) is None


def test_knowing_who_asks_takes_one_statement(db: Database) -> None:
    anna = an_admin(db)
    token, key = enter(db), accounts.make_key(db, user_id=anna.id, name="program")
    accounts.find_by_key(db, key)  # the first use is noted
    sent: list[str] = []

    def note(*about: object) -> None:
        sent.append(str(about[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    assert accounts.find(db, LIMITS, token) == accounts.find_by_key(db, key) == anna
    event.remove(db.engine, "before_cursor_execute", note)
    assert [statement.split()[0] for statement in sent if statement != "BEGIN"] == ["SELECT"] * 2
