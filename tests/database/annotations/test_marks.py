"""Chapters, bookmarks, notes, decisions and to-dos, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from shared.annotations import marks
from shared.annotations.edits import AnnotationEditKind, read_edits
from shared.annotations.marks import (
    Mark,
    MarkKind,
    MarkNotFound,
    add_marks,
    change_mark,
    checked_mark,
    read_marks,
    remove_mark,
)
from shared.annotations.undoing import undo
from shared.db import Database
from shared.errors import InvalidRequest, JobNotFound
from shared.models import LOCAL_OWNER, StoredMark
from tests.support import factories


@pytest.fixture
def who(db: Database) -> dict[str, str]:
    job_id = factories.submit(db)
    return {"owner_id": LOCAL_OWNER, "job_id": job_id, "editor_id": LOCAL_OWNER}


def shown(db: Database, who: dict[str, str]) -> list[tuple[str, float, str]]:
    found = read_marks(db, owner_id=who["owner_id"], job_id=who["job_id"])
    return [(mark.kind.value, mark.at_s, mark.text) for mark in found]


def take_back(db: Database, who: dict[str, str], number: int) -> None:
    undo(db, **who, number=number)


def test_marks_are_added_changed_removed_and_each_is_undone(
    db: Database, who: dict[str, str]
) -> None:
    todo = checked_mark(MarkKind.TODO, 60.5, "买服务器", "王芳", "周五")
    add_marks(db, **who, marks=[todo, checked_mark(MarkKind.CHAPTER, 3, "开场")])
    change_mark(db, **who, mark_id=todo.id, changes={"kind": MarkKind.DECISION, "at_s": 1.0})
    [first, _] = read_marks(db, owner_id=LOCAL_OWNER, job_id=who["job_id"])
    assert first == Mark(todo.id, MarkKind.DECISION, 1.0, "买服务器")  # who does it is of a to-do
    remove_mark(db, **who, mark_id=todo.id)
    assert shown(db, who) == [("chapter", 3.0, "开场")]
    take_back(db, who, 3)
    take_back(db, who, 2)
    assert read_marks(db, owner_id=LOCAL_OWNER, job_id=who["job_id"])[-1] == todo
    take_back(db, who, 1)
    assert shown(db, who) == []
    take_back(db, who, 6)
    assert shown(db, who) == [("chapter", 3.0, "开场"), ("todo", 60.5, "买服务器")]
    edits = read_edits(db, owner_id=LOCAL_OWNER, job_id=who["job_id"])
    assert {edit.kind for edit in edits} == {AnnotationEditKind.MARKS}
    assert [edit.undoes for edit in edits] == [None, None, None, 3, 2, 1, 6]


@pytest.mark.parametrize(
    "given",
    [
        {"at_s": -1.0},
        {"at_s": float("nan")},
        {"at_s": 1e9},
        {"text": "x" * 1001},
        {"text": "\x00"},
        {"text": ""},
        {"who": "x" * 81},
        {"kind": MarkKind.NOTE, "who": "王芳"},
    ],
)
def test_what_cannot_be_kept_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        checked_mark(**{"kind": MarkKind.TODO, "at_s": 1.0, "text": "x", **given})
    assert checked_mark(MarkKind.BOOKMARK, 1.0).text == ""


def test_too_many_are_refused_and_none_of_them_is_kept(
    db: Database, who: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "MOST_MARKS", 2)
    with pytest.raises(InvalidRequest, match="at most 2"):
        add_marks(db, **who, marks=[checked_mark(MarkKind.BOOKMARK, n) for n in range(3)])
    assert shown(db, who) == []
    assert read_edits(db, owner_id=LOCAL_OWNER, job_id=who["job_id"]) == []
    first, *others = [checked_mark(MarkKind.BOOKMARK, n) for n in range(3)]
    add_marks(db, **who, marks=[first])
    remove_mark(db, **who, mark_id=first.id)
    add_marks(db, **who, marks=others)
    with pytest.raises(InvalidRequest, match="at most 2"):
        take_back(db, who, 2)
    assert len(shown(db, who)) == 2


def test_nobody_sees_or_changes_anothers_and_they_go_with_the_job(
    db: Database, who: dict[str, str]
) -> None:
    mark = checked_mark(MarkKind.NOTE, 1, "mine")
    add_marks(db, **who, marks=[mark])
    stranger = {**who, "owner_id": "somebody"}
    with pytest.raises(JobNotFound):
        read_marks(db, owner_id="somebody", job_id=who["job_id"])
    with pytest.raises(JobNotFound):
        remove_mark(db, **stranger, mark_id=mark.id)
    elsewhere = {**who, "job_id": factories.submit(db)}
    with pytest.raises(MarkNotFound):
        change_mark(db, **elsewhere, mark_id=mark.id, changes={"text": "x"})
    factories.delete(db, who["job_id"])
    with db.reading() as session:
        assert session.scalars(select(StoredMark)).all() == []
