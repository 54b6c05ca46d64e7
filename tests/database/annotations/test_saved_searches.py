"""Searches that are kept under a name, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from sqlalchemy import event

from shared.accounts.ownership import hand_over
from shared.db import Database
from shared.errors import InvalidRequest
from shared.search import saved
from shared.search.saved import ListConditions, SearchNotFound

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


def test_what_cannot_be_kept_is_refused(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "MOST_SAVED", 1)
    for name in ("", "x" * 81, "a\x00"):
        with pytest.raises(InvalidRequest):
            saved.save_search(db, owner_id=ANNA, name=name, conditions=ListConditions())
    saved.save_search(db, owner_id=ANNA, name="one", conditions=ListConditions())
    with pytest.raises(InvalidRequest, match="at most 1"):
        saved.save_search(db, owner_id=ANNA, name="two", conditions=ListConditions())


def test_saved_at_the_same_moment_there_are_no_more_than_allowed(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved, "MOST_SAVED", 1)
    both_counted = Barrier(2)

    def counted(connection: object, cursor: object, statement: str, *given: object) -> None:
        if "count(" in statement and "saved_searches" in statement:
            with suppress(BrokenBarrierError):  # where the other has to wait for this one
                both_counted.wait(0.5)

    def save(name: str) -> None:
        with suppress(InvalidRequest):
            saved.save_search(db, owner_id=ANNA, name=name, conditions=ListConditions())

    event.listen(db.engine, "after_cursor_execute", counted)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(save, ["one", "two"]))
    assert len(names(db)) == 1
