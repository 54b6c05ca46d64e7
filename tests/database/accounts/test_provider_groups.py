"""Which groups a provider's word puts an account in and out of."""

from __future__ import annotations

import sys

import pytest

from shared import accounts
from shared.accounts import GroupsThere, Vouched
from shared.db import Database
from tests.support.people import LIMITS, an_admin, at_once

OFFICE, CLUB = "https://id.example.org", "https://club.example.org"


def within(*names: str, of: str = "", others: str = "") -> GroupsThere:
    """In `names`, of these and of the groups that `of` names; and by name in `others`."""
    return GroupsThere(
        governed=frozenset([*names, *of.split()]),
        within=frozenset(names),
        follows_others=bool(others),
        others=frozenset(others.split()),
    )


def enter(db: Database, told: GroupsThere | None, issuer: str = OFFICE, subject: str = "1") -> str:
    vouched = Vouched(issuer, subject, "Bo", None, told)
    return accounts.enter(db, LIMITS, vouched, may_create=True).person.id


def names(db: Database, user_id: str) -> list[str]:
    return [one.name for one in accounts.groups_of(db, user_id)]


def test_a_provider_takes_out_whom_it_put_in_and_leaves_what_others_did(db: Database) -> None:
    bo = enter(db, within("Sales", "Legal"))
    accounts.connect(db, bo, Vouched(CLUB, "b", "Bo", None))
    enter(db, within("Sales", "Choir"), CLUB, "b")
    hand = accounts.add_group(db, "Board")
    accounts.add_member(db, hand.id, "Bo")
    assert names(db, bo) == ["Board", "Choir", "Legal", "Sales"]
    enter(db, within(of="Sales Choir Legal"), CLUB, "b")
    assert names(db, bo) == ["Board", "Legal", "Sales"]  # the office put it there
    enter(db, None)
    assert names(db, bo) == ["Board", "Legal", "Sales"]  # the office does not decide any more
    enter(db, within("sales"))
    assert names(db, bo) == ["Board", "Sales"]  # the pair that led to Legal is gone


def test_what_administrators_do_in_a_group_that_a_provider_fills_is_put_right(
    db: Database,
) -> None:
    sales = accounts.add_group(db, "Sales")
    bo = enter(db, within(of="Sales"))
    accounts.add_member(db, sales.id, "Bo")
    enter(db, within(of="Sales"))
    assert names(db, bo) == []
    enter(db, within("Sales"))
    accounts.remove_member(db, sales.id, bo)
    enter(db, within("Sales"))
    assert names(db, bo) == ["Sales"]


def test_groups_of_all_kinds_are_made_once_and_what_cannot_be_is_left_out(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    an_admin(db)
    came = at_once(
        *[lambda n=str(n): enter(db, within("Sales", others="Choir"), subject=n) for n in range(3)],
        lambda: accounts.add_group(db, "Club").id,
    )
    assert len(set(came)) == 4
    assert [len(one.members) for one in accounts.groups(db)] == [3, 0, 3]
    told = within("Sales", others=f"Club {'x' * 65} \ud800")
    vouched = Vouched(OFFICE, "0", "Bo", None, told)
    entered = accounts.enter(db, LIMITS, vouched, may_create=False)
    assert set(entered.groups_left_out) == {"Club", "x" * 65, "\ud800"}
    assert names(db, entered.person.id) == ["Sales"]
    monkeypatch.setattr(sys.modules["shared.accounts.groups.membership"], "MOST_MEMBERS", 3)
    full = Vouched(OFFICE, "9", "Bo", None, within("Sales"))
    entered = accounts.enter(db, LIMITS, full, may_create=True)
    assert entered.groups_left_out == ("Sales",) and names(db, entered.person.id) == []
