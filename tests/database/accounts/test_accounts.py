"""Accounts, passwords and sign-ins, on both databases."""

from __future__ import annotations

import time

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from shared import accounts, jobs
from shared.accounts import passwords
from shared.accounts.errors import (
    AccountNotFound,
    LastAdministrator,
    NameTaken,
    SetUpDone,
    TooManyAttempts,
    WrongPassword,
)
from shared.accounts.passwords import SHORTEST_PASSWORD, hashed, matches
from shared.db import Database, database_now
from shared.errors import InvalidRequest, JobNotFound
from shared.models import LOCAL_OWNER, Job, SignIn, User
from tests.support import factories
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

# --- accounts ----------------------------------------------------------------------------------


def test_the_first_account_is_an_administrators_and_takes_over_what_was_recorded_before(
    db: Database,
) -> None:
    job_id = factories.submit(db, idempotency_key="key")
    factories.claim(db)  # so that a turn of 'local' is on record
    assert not accounts.is_set_up(db)
    anna = an_admin(db)
    assert accounts.is_set_up(db)
    assert anna.is_admin and not anna.password_is_temporary
    assert factories.row(db, job_id).recording.owner_id == anna.id
    assert jobs.get_job(db, owner_id=anna.id, job_id=job_id).job.id == job_id
    assert factories.row(db, job_id).idempotency_key == "key"
    with pytest.raises(JobNotFound):
        jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=job_id)
    with pytest.raises(SetUpDone):
        an_admin(db, "Another")
    assert [(person.name, person.recordings) for person in accounts.people(db)] == [("Anna", 1)]


def test_of_two_who_set_up_at_once_one_does(db: Database) -> None:
    came_of_it = at_once(*(lambda name=name: an_admin(db, name) for name in ("a1", "b2", "c3")))
    assert sum(isinstance(result, SetUpDone) for result in came_of_it) == 2
    assert len(accounts.people(db)) == 1


@pytest.mark.parametrize("same", ["Anna", "anna", "ANNA", "  anna ", "Ａｎｎａ"])
def test_a_name_is_had_once_whatever_its_letters_look_like(db: Database, same: str) -> None:
    an_admin(db, "Anna")
    with pytest.raises(NameTaken):
        a_person(db, same)
    assert accounts.person_named(db, same).name == "Anna"


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\u202eb", "a\0b", "zero\u200bwidth"])
def test_a_name_that_cannot_be_read_is_refused(db: Database, name: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        an_admin(db, name)
    assert raised.value.param == "name"


@pytest.mark.parametrize("name", ["王伟", "Zoë O'Neil", "a@example.org", "<b>x</b>", "../../etc"])
def test_any_other_name_is_one(db: Database, name: str) -> None:
    assert an_admin(db, name).name == name
    assert accounts.find(db, LIMITS, enter(db, name)) is not None


@pytest.mark.parametrize("password", ["short", "x" * 257, "aaaaaaaaaaaa", "annabelle the"])
def test_a_password_that_is_easily_guessed_is_refused(db: Database, password: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        accounts.add_first_admin(db, name="Annabelle The", password=password)
    assert raised.value.param == "password"
    assert accounts.people(db) == []


def test_the_least_length_is_the_one_that_is_told(db: Database) -> None:
    with pytest.raises(InvalidRequest, match=f"{SHORTEST_PASSWORD} characters or more"):
        accounts.add_first_admin(
            db, name="Anna", password="abcdefghijklmnop"[: SHORTEST_PASSWORD - 1]
        )
    accounts.add_first_admin(db, name="Anna", password="abcdefghijklmnop"[:SHORTEST_PASSWORD])


def test_the_last_administrator_stays_one(db: Database) -> None:
    anna = an_admin(db)
    with pytest.raises(LastAdministrator):
        accounts.disable(db, anna.id)
    with pytest.raises(LastAdministrator):
        accounts.set_admin(db, anna.id, False)
    bo = a_person(db, is_admin=True)
    came_of_it = at_once(
        lambda: accounts.disable(db, anna.id), lambda: accounts.set_admin(db, bo.id, False)
    )
    assert sum(isinstance(result, LastAdministrator) for result in came_of_it) == 1
    in_office = [p for p in accounts.people(db) if p.is_admin and p.disabled_at is None]
    assert len(in_office) == 1


def test_what_a_disabled_account_owns_stays_and_is_handed_over(db: Database) -> None:
    anna, bo = an_admin(db), a_person(db)
    mine = factories.submit(db, owner_id=anna.id, idempotency_key="one")
    ours = [factories.submit(db, owner_id=bo.id, idempotency_key=key) for key in ("one", "two")]
    accounts.disable(db, bo.id)
    assert {person.name: person.recordings for person in accounts.people(db)} == {
        "Anna": 1,
        "Bo": 2,
    }
    assert accounts.hand_over(db, from_owner=bo.id, to_owner=anna.id) == 2
    shown = jobs.list_jobs(db, owner_id=anna.id).jobs
    assert {view.job.id for view in shown} == {mine, *ours}
    with db.reading() as session:
        keys = {job.id: job.idempotency_key for job in session.scalars(select(Job))}
    assert keys == {mine: "one", ours[0]: None, ours[1]: "two"}


def test_handing_over_to_oneself_changes_nothing(db: Database) -> None:
    anna = an_admin(db)
    job_id = factories.submit(db, owner_id=anna.id, idempotency_key="one")
    assert accounts.hand_over(db, from_owner=anna.id, to_owner=anna.id) == 0
    assert factories.row(db, job_id).idempotency_key == "one"


def test_what_is_not_there_is_not_found(db: Database) -> None:
    with pytest.raises(AccountNotFound):
        accounts.person_named(db, "Nobody")
    for act in (accounts.disable, accounts.enable):
        with pytest.raises(AccountNotFound):
            act(db, "no such id")


# --- passwords ---------------------------------------------------------------------------------


def test_a_password_is_kept_as_argon2id_and_an_older_hash_is_made_anew(db: Database) -> None:
    an_admin(db)

    def stored() -> str:
        with db.reading() as session:
            return session.scalars(select(User.password_hash)).one()

    before = stored()
    assert before.startswith("$argon2id$") and PASSWORD not in before
    enter(db)
    assert stored() == before
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=64))
        enter(db)
        assert "m=64,t=2" in stored()
        enter(db)


def test_the_same_letters_typed_on_another_keyboard_are_the_same_password() -> None:
    composed, decomposed = "caf\u00e9 au lait", "cafe\u0301 au lait"
    assert matches(hashed(composed), decomposed)
    assert not matches(hashed(composed), "cafe au lait")
    assert not matches(None, composed)
    assert not matches("not a hash", composed)


def test_a_changed_password_ends_every_sign_in(db: Database) -> None:
    anna = an_admin(db)
    token = enter(db)
    change = {"user_id": anna.id, "address": HERE}
    with pytest.raises(WrongPassword):
        accounts.change_password(db, ATTEMPTS, current="wrong", new="another password", **change)
    with pytest.raises(InvalidRequest):
        accounts.change_password(db, ATTEMPTS, current=PASSWORD, new=PASSWORD, **change)
    with pytest.raises(InvalidRequest):
        accounts.change_password(db, ATTEMPTS, current=PASSWORD, new="short", **change)
    assert accounts.find(db, LIMITS, token) is not None
    accounts.change_password(db, ATTEMPTS, current=PASSWORD, new="another password", **change)
    assert accounts.find(db, LIMITS, token) is None
    with pytest.raises(WrongPassword):
        enter(db)
    enter(db, password="another password")


def test_the_present_password_is_not_guessed_through_the_form_that_changes_it(
    db: Database,
) -> None:
    anna = an_admin(db)
    for _ in range(ATTEMPTS.most):
        with pytest.raises(WrongPassword):
            accounts.change_password(
                db, ATTEMPTS, user_id=anna.id, current="wrong", new="another password", address=HERE
            )
    with pytest.raises(TooManyAttempts):
        accounts.change_password(
            db, ATTEMPTS, user_id=anna.id, current=PASSWORD, new="another password", address=HERE
        )


# --- signing in --------------------------------------------------------------------------------


def test_a_sign_in_is_good_until_it_ends_and_its_token_is_not_kept(db: Database) -> None:
    anna = an_admin(db)
    here, there = enter(db, "ANNA"), enter(db)
    assert accounts.find(db, LIMITS, here) == anna
    with db.reading() as session:
        kept = session.scalars(select(SignIn.token_sha256)).all()
    assert here not in kept and len(kept) == 2
    accounts.end(db, here)
    assert accounts.find(db, LIMITS, here) is None
    assert accounts.find(db, LIMITS, there) == anna
    accounts.end_all(db, anna.id)
    assert accounts.find(db, LIMITS, there) is None
    assert accounts.find(db, LIMITS, "") is None


def _age(db: Database, **columns: float) -> None:
    with db.writing() as session:
        session.execute(
            update(SignIn).values({name: database_now(-s) for name, s in columns.items()})
        )


def test_a_sign_in_ends_by_idleness_and_by_age_and_use_renews_the_one_only(db: Database) -> None:
    an_admin(db)
    token = enter(db)
    _age(db, seen_at=LIMITS.idle_s - 60, created_at=LIMITS.lifetime_s - 60)
    assert accounts.find(db, LIMITS, token) is not None
    with db.reading() as session:
        seen, now = session.execute(select(SignIn.seen_at, database_now())).one()
    assert (now - seen).total_seconds() < 60
    _age(db, seen_at=LIMITS.idle_s + 1)
    assert accounts.find(db, LIMITS, token) is None
    _age(db, seen_at=0, created_at=LIMITS.lifetime_s + 1)
    assert accounts.find(db, LIMITS, token) is None
    enter(db)  # and then what is over is gone
    with db.reading() as session:
        assert len(session.scalars(select(SignIn.user_id)).all()) == 1


def test_reading_a_page_again_and_again_does_not_write(db: Database) -> None:
    an_admin(db)
    token = enter(db)

    def seen() -> object:
        with db.reading() as session:
            return session.scalars(select(SignIn.seen_at)).one()

    before = seen()
    time.sleep(0.01)
    accounts.find(db, LIMITS, token)
    assert seen() == before


def test_a_disabled_account_is_out_at_once_and_comes_back_signed_out(db: Database) -> None:
    an_admin(db)
    bo = a_person(db)
    token = enter(db, "Bo")
    key = accounts.make_key(db, user_id=bo.id, name="program")
    accounts.disable(db, bo.id)
    assert accounts.find(db, LIMITS, token) is None
    assert accounts.find_by_key(db, key) is None
    with pytest.raises(WrongPassword):
        enter(db, "Bo")
    accounts.enable(db, bo.id)
    assert accounts.find(db, LIMITS, token) is None
    assert accounts.find_by_key(db, key) is not None
    enter(db, "Bo")


def test_nothing_tells_a_wrong_name_from_a_wrong_password_or_a_disabled_account(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_admin(db)
    accounts.disable(db, a_person(db).id)
    verified: list[str | None] = []
    honest = passwords._hasher.verify

    class Counting:
        def verify(self, hash_: str, password: str) -> bool:
            verified.append(hash_)
            return honest(hash_, password)

        def __getattr__(self, name: str) -> object:
            return getattr(cheap, name)

    cheap = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", Counting())
    said = set()
    for name, password in (("Anna", "wrong"), ("Nobody", PASSWORD), ("Bo", PASSWORD)):
        with pytest.raises(WrongPassword) as raised:
            enter(db, name, password)
        said.add((raised.value.message, raised.value.code, raised.value.http_status))
    assert len(said) == 1
    # Each took one full hash, of the same parameters.
    assert len(verified) == 3
    assert len({str(hash_).rsplit("$", 2)[0] for hash_ in verified}) == 1
