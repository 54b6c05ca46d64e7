"""Searches that are kept under a name, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from shared import accounts, audit
from shared.accounts.handing_over.ownership import hand_over
from shared.audit import AuditFilter
from shared.db import Database
from shared.errors import InvalidRequest
from shared.search import saved
from shared.search.saved import ListConditions, SearchNotFound
from tests.support.databases.waiting import counting_at_once
from tests.support.people import a_person

ANNA, BO = "anna", "bo"


def names(db: Database, owner_id: str = ANNA) -> list[str]:
    return [one.name for one in saved.saved_searches(db, owner_id=owner_id)]


def test_searches_are_kept_by_name_renamed_and_deleted_by_their_owner_only(db: Database) -> None:
    wanted = ListConditions("done", "预算", "Q4", "王芳")
    first = saved.save_search(db, owner_id=ANNA, name=" 季度\n预算 ", conditions=wanted)
    saved.save_search(db, owner_id=ANNA, name="Alle", conditions=ListConditions())
    assert names(db) == ["Alle", "季度 预算"]
    assert saved.saved_searches(db, owner_id=ANNA)[1].conditions == wanted
    assert names(db, BO) == []
    with pytest.raises(SearchNotFound):
        saved.rename_search(db, owner_id=BO, search_id=first.id, name="mine")
    with pytest.raises(SearchNotFound):
        saved.delete_search(db, owner_id=BO, search_id=first.id)
    saved.rename_search(db, owner_id=ANNA, search_id=first.id, name="Budget")
    saved.delete_search(db, owner_id=ANNA, search_id=first.id)
    assert names(db) == ["Alle"]
    hand_over(db, from_owner=ANNA, to_owner=BO)
    assert names(db, BO) == ["Alle"]


def test_a_group_s_searches_are_every_member_s_until_they_leave_or_it_ends(db: Database) -> None:
    bo, eve = a_person(db, "Bo").id, a_person(db, "Eve").id
    sales, legal = (accounts.add_group(db, name).id for name in ("Sales", "Legal"))
    for group, name in ((sales, "Bo"), (sales, "Eve"), (legal, "Eve")):
        accounts.add_member(db, group, name)

    def listed(person_id: str) -> list[tuple[str | None, str]]:
        found = saved.saved_searches(db, owner_id=person_id, with_groups=True)
        return [(one.group, one.name) for one in found]

    wanted = ListConditions(query="预算")
    given = saved.save_search(db, owner_id=bo, name="Budget", conditions=wanted)
    saved.give_search(db, owner_id=bo, search_id=given.id, group_id=sales)
    saved.save_search(db, owner_id=legal, name="Cases", conditions=ListConditions())
    saved.save_search(db, owner_id=eve, name="Own", conditions=ListConditions())
    assert listed(bo) == [("Sales", "Budget")] and names(db, bo) == []
    assert listed(eve) == [(None, "Own"), ("Legal", "Cases"), ("Sales", "Budget")]
    (of_sales,) = saved.saved_searches(db, owner_id=sales)
    assert (of_sales.group_id, of_sales.id, of_sales.conditions) == (sales, given.id, wanted)
    for gone in (bo, legal):
        with pytest.raises(SearchNotFound):
            saved.rename_search(db, owner_id=gone, search_id=given.id, name="mine")
    saved.take_search(db, group_id=sales, search_id=given.id, owner_id=eve)
    assert (None, "Budget") in listed(eve) and listed(bo) == []
    with pytest.raises(SearchNotFound):
        saved.take_search(db, group_id=sales, search_id=given.id, owner_id=bo)
    saved.give_search(db, owner_id=eve, search_id=given.id, group_id=sales)
    saved.rename_search(db, owner_id=sales, search_id=given.id, name="Money")
    accounts.remove_member(db, sales, bo)  # who gave it
    assert listed(bo) == [] and ("Sales", "Money") in listed(eve)
    saved.delete_search(db, owner_id=sales, search_id=given.id)
    accounts.delete_group(db, legal)
    assert listed(eve) == [(None, "Own")] and names(db, legal) == []
    with pytest.raises(SearchNotFound):
        own = saved.saved_searches(db, owner_id=eve)[0].id
        saved.give_search(db, owner_id=eve, search_id=own, group_id=legal)
    entries, _ = audit.page_of(db, AuditFilter(kind="group"), most=50)
    acts = [(one.act, one.object_id) for one in reversed(entries) if "search" in one.act]
    assert acts == [
        ("group.search_added", sales),
        ("group.search_added", legal),
        ("group.search_removed", sales),
        ("group.search_added", sales),
        ("group.search_renamed", sales),
        ("group.search_removed", sales),
    ]
    assert "Money" not in str([one.detail for one in entries])


def test_what_cannot_be_kept_is_refused(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "MOST_SAVED", 1)
    for name in ("", "x" * 81, "a\x00"):
        with pytest.raises(InvalidRequest):
            saved.save_search(db, owner_id=ANNA, name=name, conditions=ListConditions())
    saved.save_search(db, owner_id=ANNA, name="one", conditions=ListConditions())
    with pytest.raises(InvalidRequest, match="at most 1"):
        saved.save_search(db, owner_id=ANNA, name="two", conditions=ListConditions())
    group = accounts.add_group(db, "Sales").id
    of_group = saved.save_search(db, owner_id=group, name="one", conditions=ListConditions())
    with pytest.raises(InvalidRequest, match="at most 1"):
        given = saved.saved_searches(db, owner_id=ANNA)[0].id
        saved.give_search(db, owner_id=ANNA, search_id=given, group_id=group)
    with pytest.raises(InvalidRequest, match="at most 1"):
        saved.take_search(db, group_id=group, search_id=of_group.id, owner_id=ANNA)
    assert saved.saved_searches(db, owner_id=group) == [of_group]


def test_saved_at_the_same_moment_there_are_no_more_than_allowed(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved, "MOST_SAVED", 1)

    def save(name: str) -> None:
        with suppress(InvalidRequest):
            saved.save_search(db, owner_id=ANNA, name=name, conditions=ListConditions())

    with counting_at_once(db, "saved_searches"), ThreadPoolExecutor(2) as pool:
        list(pool.map(save, ["one", "two"]))
    assert len(names(db)) == 1


def test_a_test_that_fails_while_it_counts_leaves_nothing_behind(db: Database) -> None:
    before = len(db.engine.dispatch.after_cursor_execute)
    with pytest.raises(AssertionError), counting_at_once(db, "saved_searches"):
        raise AssertionError
    assert len(db.engine.dispatch.after_cursor_execute) == before
