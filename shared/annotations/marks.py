"""Places in a recording that people marked: chapters, bookmarks, notes, decisions and to-dos."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from shared.annotations.details import one_line
from shared.annotations.edits import AnnotationEditKind, Edit, add_edit, owned_job
from shared.db import Database
from shared.errors import InvalidRequest, JobNotFound, PermanentError
from shared.models import LONGEST_LABEL, Job, StoredMark, new_id
from shared.models import LONGEST_MARK as LONGEST_MARK

MOST_MARKS = 1000
"""Marks of a job at most."""

LATEST_S = 400_000.0
"""Largest time of a mark in seconds: more than four days, which no recording lasts."""


class MarkKind(StrEnum):
    """Kind of a mark at a place in a recording."""

    CHAPTER = "chapter"
    """Beginning of something new; the text is its title."""
    BOOKMARK = "bookmark"
    NOTE = "note"
    DECISION = "decision"
    TODO = "todo"


class MarkNotFound(PermanentError):
    code = "mark_not_found"
    http_status = 404
    default_message = "There is no such mark. It may have been deleted."


@dataclass(frozen=True, slots=True)
class Mark:
    """A marked place."""

    id: str
    kind: MarkKind
    at_s: float
    """Seconds from the start of the recording."""
    text: str = ""
    who: str = ""
    """Person who does a to-do."""
    due: str = ""
    """Due time of a to-do, in any words."""

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind.value,
            "at": self.at_s,
            "text": self.text,
            "who": self.who,
            "due": self.due,
        }


def checked_mark(
    kind: MarkKind, at_s: float, text: str = "", who: str = "", due: str = "", *, id: str = ""
) -> Mark:
    """A mark that can be kept. Raises InvalidRequest."""
    if not (math.isfinite(at_s) and 0 <= at_s <= LATEST_S):
        raise InvalidRequest("at: must be seconds from the start of the recording.", param="at")
    text, who, due = one_line("text", text), one_line("who", who), one_line("due", due)
    for name, value, most in (
        ("text", text, LONGEST_MARK),
        ("who", who, LONGEST_LABEL),
        ("due", due, LONGEST_LABEL),
    ):
        if len(value) > most:
            raise InvalidRequest(f"{name}: at most {most} characters. Shorten it.", param=name)
    if not text and kind is not MarkKind.BOOKMARK:
        raise InvalidRequest("text: only a bookmark needs none.", param="text")
    if (who or due) and kind is not MarkKind.TODO:
        raise InvalidRequest("who, due: only a to-do has them.", param="who" if who else "due")
    return Mark(id or new_id(), kind, round(at_s, 3), text, who, due)


def read_marks(db: Database, *, owner_id: str, job_id: str) -> list[Mark]:
    """The marks of a job in order of time. Raises JobNotFound."""
    with db.reading() as session:
        if not session.scalar(select(Job.id).where(Job.id == job_id, Job.owner_id == owner_id)):
            raise JobNotFound
        return marks_in(session, job_id)


def marks_in(session: Session, job_id: str) -> list[Mark]:
    """The marks of a job in order of time, without one of a kind that a later version knows."""
    rows = session.scalars(
        select(StoredMark)
        .where(StoredMark.job_id == job_id)
        .order_by(StoredMark.at_s, StoredMark.id)
    )
    known = set(MarkKind)
    return [
        Mark(row.id, MarkKind(row.kind), row.at_s, row.text, row.who, row.due)
        for row in rows
        if row.kind in known
    ]


def add_marks(
    db: Database, *, owner_id: str, job_id: str, editor_id: str, marks: Sequence[Mark]
) -> None:
    """Add marks, all or none; one change. Raises JobNotFound, or InvalidRequest for too many."""
    with db.writing() as session:
        job = owned_job(session, owner_id, job_id)
        _put(session, job, before=[], after=marks, editor_id=editor_id)


def change_mark(
    db: Database,
    *,
    owner_id: str,
    job_id: str,
    editor_id: str,
    mark_id: str,
    changes: Mapping[str, Any],
) -> None:
    """Change those of `kind`, `at_s`, `text`, `who` and `due` that are named.

    Raises JobNotFound, MarkNotFound or InvalidRequest.
    """
    with db.writing() as session:
        job = owned_job(session, owner_id, job_id)
        before = _mark_in(session, job, mark_id)
        wanted = replace(before, **changes)
        if wanted.kind is not MarkKind.TODO:
            wanted = replace(wanted, who=changes.get("who", ""), due=changes.get("due", ""))
        after = checked_mark(
            wanted.kind, wanted.at_s, wanted.text, wanted.who, wanted.due, id=mark_id
        )
        if after != before:
            _put(session, job, before=[before], after=[after], editor_id=editor_id)


def remove_mark(db: Database, *, owner_id: str, job_id: str, editor_id: str, mark_id: str) -> None:
    """Take a mark away. Raises JobNotFound or MarkNotFound."""
    with db.writing() as session:
        job = owned_job(session, owner_id, job_id)
        before = _mark_in(session, job, mark_id)
        _put(session, job, before=[before], after=[], editor_id=editor_id)


def restore_in(session: Session, job: Job, edit: Edit, *, editor_id: str) -> None:
    """Make the marks that an edit changed as they were before it."""
    wanted = list(_from_json(edit.before))
    touched = {mark.id for mark in [*wanted, *_from_json(edit.after)]}
    now = [mark for mark in marks_in(session, job.id) if mark.id in touched]
    if now != sorted(wanted, key=lambda mark: (mark.at_s, mark.id)):
        _put(session, job, before=now, after=wanted, editor_id=editor_id, undoes=edit.number)


def _put(
    session: Session,
    job: Job,
    *,
    before: Sequence[Mark],
    after: Sequence[Mark],
    editor_id: str,
    undoes: int | None = None,
) -> None:
    """Put `after` in the place of `before`, and keep the change."""
    ids = [mark.id for mark in (*before, *after)]
    session.execute(
        delete(StoredMark)
        .where(StoredMark.job_id == job.id, StoredMark.id.in_(ids))
        .execution_options(synchronize_session=False)
    )
    rows = [
        {
            "id": mark.id,
            "job_id": job.id,
            "kind": mark.kind.value,
            "at_s": mark.at_s,
            "text": mark.text,
            "who": mark.who,
            "due": mark.due,
        }
        for mark in after
    ]
    if rows:
        session.execute(insert(StoredMark), rows)
    count = session.scalar(
        select(func.count()).select_from(StoredMark).where(StoredMark.job_id == job.id)
    )
    if (count or 0) > MOST_MARKS:
        raise InvalidRequest(f"A recording has at most {MOST_MARKS} marks. Delete some first.")
    add_edit(
        session,
        job,
        AnnotationEditKind.MARKS,
        before={"marks": [mark.to_json() for mark in before]},
        after={"marks": [mark.to_json() for mark in after]},
        editor_id=editor_id,
        undoes=undoes,
    )


def _mark_in(session: Session, job: Job, mark_id: str) -> Mark:
    for mark in marks_in(session, job.id):
        if mark.id == mark_id:
            return mark
    raise MarkNotFound


def _from_json(value: Mapping[str, Any]) -> Iterable[Mark]:
    """The marks of one side of an edit, without what cannot be read."""
    for each in value.get("marks", ()):
        try:
            yield Mark(
                each["id"],
                MarkKind(each["kind"]),
                float(each["at"]),
                each["text"],
                each["who"],
                each["due"],
            )
        except (KeyError, TypeError, ValueError):
            continue
