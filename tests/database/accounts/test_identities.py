"""Accounts that a provider's word opens, where several are opened at once."""

from __future__ import annotations

import pytest

from shared import accounts, audit
from shared.accounts import Entered, Vouched
from shared.accounts.errors import AccountDisabled, LastWayIn
from shared.audit import AuditFilter
from shared.db import Database
from tests.support.people import LIMITS, a_person, an_admin, at_once


def vouched(subject: str = "u-1") -> Vouched:
    return Vouched("https://id.example.org", subject, "Bo", None)


def enter(db: Database, subject: str = "u-1") -> Entered:
    return accounts.enter(db, LIMITS, vouched(subject), may_create=True)


def test_one_account_is_made_however_many_come_at_once(db: Database) -> None:
    an_admin(db)
    came = at_once(
        *[lambda: enter(db)] * 3,
        *[lambda: enter(db, "u-2")] * 2,
        lambda: a_person(db, "bo"),
    )
    entered = [one for one in came if isinstance(one, Entered)]
    assert len(entered) == 5 and sum(one.is_new for one in entered) == 2
    assert len({one.person.id for one in entered}) == 2
    # An administrator who gives the name at the same moment gets it, or hears that it is taken.
    names = sorted(one.name.casefold() for one in accounts.people(db))
    assert names in (["anna", "bo", "bo 2"], ["anna", "bo", "bo 2", "bo 3"])


def test_what_happens_is_in_the_audit_log(db: Database) -> None:
    an_admin(db)
    person = enter(db).person
    accounts.disable(db, person.id)
    with pytest.raises(AccountDisabled):
        enter(db)
    found = [one.act for one in reversed(audit.page_of(db, AuditFilter(), most=9)[0])]
    assert found == [
        *("account.added", "account.added", "account.connected", "sign_in.accepted"),
        *("account.disabled", "sign_in.refused"),
    ]


def test_an_identity_at_a_provider_that_is_gone_is_no_way_in(db: Database) -> None:
    person = enter(db).person
    accounts.connect(db, person.id, Vouched("https://gone.example.org", "u-1", "Bo", None))
    here, gone = accounts.connections_of(db, person.id)
    issuers = [here.issuer]
    with pytest.raises(LastWayIn):
        accounts.disconnect(db, person.id, here.id, issuers=issuers)
    accounts.disconnect(db, person.id, gone.id, issuers=issuers)
    assert accounts.connections_of(db, person.id) == [here]
