"""People and tags of jobs: which jobs have one, and which of them an owner has used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from zlib import crc32

from sqlalchemy import ColumnElement, Select, delete, exists, func, insert, literal, select
from sqlalchemy.orm import Session, aliased

from shared.db import Database
from shared.dialects import told_limit
from shared.models import LONGEST_LABEL as LONGEST_LABEL
from shared.models import Job, Label
from shared.states import JobStatus
from shared.text_folding import composed, fold

MOST_SUGGESTED = 100
"""Labels of a kind that are offered to who gives one."""

_GRAM = 1 << 44
"""Number above every gram of a text; `shared.search.grams` has those."""


class LabelKind(StrEnum):
    """Kind of a recording's label."""

    PERSON = "person"
    TAG = "tag"


@dataclass(frozen=True, slots=True)
class LabelKey:
    """A label as it is looked for."""

    kind: LabelKind
    folded: str


def label_key(kind: LabelKind, name: str) -> LabelKey:
    """The key of a label, however its letters are written.

    >>> label_key(LabelKind.TAG, " ＫＰＩ  review ").folded
    'kpi review'
    """
    return LabelKey(kind, fold(" ".join(composed(name).split())))


def keys_of(*, tag: str | None = None, person: str | None = None) -> tuple[LabelKey, ...]:
    """The keys of the labels that a list is narrowed down to; none for empty names."""
    asked = ((LabelKind.TAG, tag), (LabelKind.PERSON, person))
    keys = [label_key(kind, name) for kind, name in asked if name]
    return tuple(key for key in keys if key.folded)


def gram_of_label(key: LabelKey) -> int:
    """A gram that the search index has of every job with this label."""
    return _GRAM | crc32(f"{key.kind.value} {key.folded}".encode())


def has_label(owner_id: Any, key: LabelKey, job_id: Any) -> ColumnElement[bool]:
    """The condition that a job of an owner has a label."""
    other = aliased(Label)
    return exists().where(
        other.owner_id == owner_id,
        other.kind == key.kind.value,
        other.folded == key.folded,
        other.job_id == job_id,
    )


def is_labelled(owner_id: Any, key: LabelKey, job_id: Any) -> ColumnElement[bool]:
    """SQL condition that a job has a label, looked up job by job where PostgreSQL would read all
    labels of the key at once."""
    found = (
        select(Label.job_id)
        .where(
            Label.owner_id == owner_id,
            Label.kind == key.kind.value,
            Label.folded == key.folded,
            Label.job_id == job_id,
        )
        .limit(told_limit(1))  # with it the planner leaves the subquery as it is
    )
    return found.scalar_subquery().is_not(None)


def select_labelled(
    owner_id: Any, keys: Sequence[LabelKey], *, cursor: Any | None = None, most: Any
) -> Select[Any]:
    """Select the ids of the newest of an owner's jobs that have all of the labels, and before
    `cursor` unless it is None."""
    first, *others = keys
    wanted = select(Label.job_id.label("id")).where(
        Label.owner_id == owner_id, Label.kind == first.kind.value, Label.folded == first.folded
    )
    for other in others:
        wanted = wanted.where(has_label(owner_id, other, Label.job_id))
    if cursor is not None:
        wanted = wanted.where(Label.job_id < cursor)
    return wanted.order_by(Label.job_id.desc()).limit(most)


def count_labelled(
    session: Session, owner_id: str, keys: Sequence[LabelKey], *, most: int
) -> tuple[dict[JobStatus, int], bool]:
    """Count the jobs that have all of the labels, by state, and tell whether the count is complete:
    of more than `most` the newest are counted."""
    newest = select_labelled(owner_id, keys, most=most + 1).subquery()
    rows = session.execute(
        select(Job.status, func.count()).join(newest, newest.c.id == Job.id).group_by(Job.status)
    ).all()
    counts = dict.fromkeys(JobStatus, 0) | {JobStatus(status): count for status, count in rows}
    return counts, sum(counts.values()) <= most


def put_labels(
    session: Session, owner_id: str, job_id: str, kind: LabelKind, names: Iterable[str]
) -> None:
    """Make these the labels of a kind that a job has."""
    session.execute(
        delete(Label)
        .where(Label.job_id == job_id, Label.kind == kind.value)
        .execution_options(synchronize_session=False)
    )
    rows = [
        {
            "owner_id": owner_id,
            "kind": kind.value,
            "folded": label_key(kind, name).folded,
            "job_id": job_id,
            "name": name,
        }
        for name in names
    ]
    if rows:
        session.execute(insert(Label), rows)


def copy_labels(session: Session, *, from_job: str, to_job: str) -> None:
    """Give a new job of a recording the labels that another job of it has."""
    session.execute(
        insert(Label).from_select(
            ["owner_id", "kind", "folded", "job_id", "name"],
            select(Label.owner_id, Label.kind, Label.folded, literal(to_job), Label.name).where(
                Label.job_id == from_job
            ),
        )
    )


def used_labels(
    db: Database, *, owner_id: str, kind: LabelKind, most: int = MOST_SUGGESTED
) -> list[str]:
    """The first labels of a kind that an owner's jobs have, in order. Each costs a look into the
    index, however many jobs have it."""
    found: list[str] = []
    last = ""
    with db.reading() as session:
        while len(found) < most:
            row = session.execute(
                select(Label.folded, Label.name)
                .where(Label.owner_id == owner_id, Label.kind == kind.value, Label.folded > last)
                .order_by(Label.folded, Label.job_id)
                .limit(1)
            ).one_or_none()
            if row is None:
                break
            last = row.folded
            found.append(row.name)
    return found
