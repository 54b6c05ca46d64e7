"""A recording's title, date, people and tags. The name of its file stays beside them as a fact."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import PurePath
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.annotations.edits import AnnotationEditKind, add_edit, owned_job
from shared.annotations.labels import LabelKind, label_key, put_labels
from shared.db import Database
from shared.errors import InvalidRequest
from shared.models import LONGEST_LABEL, Job, Recording
from shared.text_folding import composed, fold, seen

LONGEST_TITLE = 255
MOST_PEOPLE = 50
MOST_TAGS = 30
EARLIEST, LATEST = date(1850, 1, 1), date(2200, 1, 1)
"""The first recordings of speech are of 1857."""

_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Details:
    """Details that a person entered for a recording."""

    title: str | None = None
    """Title of the recording; None: the name of its file without the suffix."""
    date: date | None = None
    """Day of the recording; None: the day of the submission."""
    people: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "title": self.title,
            "date": None if self.date is None else self.date.isoformat(),
            "people": list(self.people),
            "tags": list(self.tags),
        }


def title_of_file(filename: str) -> str:
    """Title of a recording by its filename alone.

    >>> title_of_file("周会 01.m4a"), title_of_file(".m4a")
    ('周会 01', '.m4a')
    """
    return PurePath(filename).stem or filename


def stored_details(row: Recording) -> Details:
    """The details of a recording's row; without what cannot be read."""
    return Details(row.title, row.held_on, _texts(row.people), _texts(row.tags))


def _texts(stored: Any) -> tuple[str, ...]:
    if not isinstance(stored, list):
        return ()
    return tuple(text for text in stored if isinstance(text, str))


def change_details(
    db: Database, *, owner_id: str, job_id: str, editor_id: str, changes: Mapping[str, Any]
) -> Details:
    """Change those of `title`, `date`, `people` and `tags` that are named, and keep what was before
    as an edit; nothing is written where all are as they were.

    Raises JobNotFound, or InvalidRequest for a value that cannot be taken.
    """
    checked = {name: _CHECKS[name](value) for name, value in changes.items()}
    with db.writing() as session:
        job = owned_job(session, owner_id, job_id, with_others=True)
        return change_in(session, job, checked, editor_id=editor_id)


def change_in(
    session: Session,
    job: Job,
    checked: Mapping[str, Any],
    *,
    editor_id: str,
    undoes: int | None = None,
) -> Details:
    """Do what `change_details` does, of checked values, in a transaction of the caller's that holds
    all jobs of the recording."""
    row = session.scalars(
        select(Recording).where(Recording.id == job.recording_id).with_for_update()
    ).one()
    before = stored_details(row)
    after = replace(before, **checked)
    if after.title == title_of_file(row.filename):
        after = replace(after, title=None)
    if after == before:
        return before
    row.title, row.held_on = after.title, after.date
    row.people, row.tags = list(after.people) or None, list(after.tags) or None
    row.folded_details = fold(seen("\n".join([after.title or "", *after.people, *after.tags])))
    for job_id in _jobs_of(session, row.id):
        put_labels(session, job.owner_id, job_id, LabelKind.PERSON, after.people)
        put_labels(session, job.owner_id, job_id, LabelKind.TAG, after.tags)
    was, is_now = before.to_json(), after.to_json()
    changed = [name for name in was if was[name] != is_now[name]]
    add_edit(
        session,
        job,
        AnnotationEditKind.DETAILS,
        before={name: was[name] for name in changed},
        after={name: is_now[name] for name in changed},
        editor_id=editor_id,
        undoes=undoes,
    )
    return after


def _jobs_of(session: Session, recording_id: str) -> Sequence[str]:
    """The jobs of a recording. One that was made after the caller held the others may be in the
    hands of who deletes it, and who waits for the recording: it is left out."""
    return session.scalars(
        select(Job.id)
        .where(Job.recording_id == recording_id)
        .with_for_update(read=True, key_share=True, skip_locked=True)
    ).all()


def checked_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of an edit as `change_in` takes them. Raises InvalidRequest."""
    names = {field.name for field in fields(Details)}
    return {name: _CHECKS[name](value) for name, value in values.items() if name in names}


def _title(value: Any) -> str | None:
    text = one_line("title", "" if value is None else value)
    if len(text) > LONGEST_TITLE:
        raise InvalidRequest(
            f"title: at most {LONGEST_TITLE} characters, and this has {len(text)}. Shorten it.",
            param="title",
        )
    return text or None


def _date(value: Any) -> date | None:
    if value is None or value == "":
        return None
    try:
        day = value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        day = None
    if day is None or not EARLIEST <= day <= LATEST:
        raise InvalidRequest(
            f"date: must be a day from {EARLIEST} to {LATEST}, for instance 2026-11-30.",
            param="date",
        )
    return day


def _people(value: Any) -> tuple[str, ...]:
    return _labels("people", LabelKind.PERSON, value, MOST_PEOPLE)


def _tags(value: Any) -> tuple[str, ...]:
    return _labels("tags", LabelKind.TAG, value, MOST_TAGS)


_CHECKS = {"title": _title, "date": _date, "people": _people, "tags": _tags}


def _labels(param: str, kind: LabelKind, value: Any, most: int) -> tuple[str, ...]:
    given: Iterable[Any] = value or ()
    found: dict[str, str] = {}
    for each in given:
        name = one_line(param, each)
        if not name:
            continue
        if len(name) > LONGEST_LABEL:
            raise InvalidRequest(
                f"{param}: each has at most {LONGEST_LABEL} characters, and “{name[:20]}…” has "
                f"{len(name)}. Shorten it.",
                param=param,
            )
        found.setdefault(label_key(kind, name).folded, name)
    if len(found) > most:
        raise InvalidRequest(
            f"{param}: at most {most}, and these are {len(found)}. Leave some out.", param=param
        )
    return tuple(found.values())


def one_line(param: str, value: Any) -> str:
    """A text on one line. Raises InvalidRequest for what no database and no page can keep."""
    if not isinstance(value, str):
        raise InvalidRequest(f"{param}: must be text.", param=param)
    if "\x00" in value or any(0xD800 <= ord(character) <= 0xDFFF for character in value):
        raise InvalidRequest(
            f"{param}: must hold no NUL character and no half of a character (a lone surrogate).",
            param=param,
        )
    seen = _DIRECTION.sub("", value)
    printable = (" " if unicodedata.category(c) in _BREAKS else c for c in seen)
    return " ".join(composed("".join(printable)).split())


_BREAKS = frozenset({"Cc", "Cn", "Zl", "Zp"})
