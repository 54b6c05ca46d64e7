"""The changes of what people say about a recording: kept with what was before, and undone by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from shared.db import Database
from shared.errors import JobNotFound, PermanentError
from shared.models import AnnotationEdit, Job
from shared.strict_json import stored_object

KEPT_EDITS = 200
"""Edits of a job that are kept. A script that renames for ever would else fill the disk."""


class AnnotationEditKind(StrEnum):
    """Kind of annotations that an edit changed."""

    DETAILS = "details"
    """Title, date, people or tags: {name: value} of those that changed."""
    MARKS = "marks"
    """Marks: {"marks": [mark, …]}; a mark that was not there, or is no more, is in one of both."""


class EditNotFound(PermanentError):
    code = "edit_not_found"
    http_status = 404
    default_message = "There is no such change of this job, or it is too long ago to be undone."


@dataclass(frozen=True, slots=True)
class Edit:
    """A change. `number` counts those of a job from 1."""

    number: int
    kind: AnnotationEditKind
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    editor_id: str
    at: datetime
    undoes: int | None = None
    """The edit that it took back."""


def owned_job(session: Session, owner_id: str, job_id: str, *, with_others: bool = False) -> Job:
    """An owner's job, which nobody else annotates until this transaction ends; and `with_others`
    all jobs of its recording, which nobody deletes until then. Raises JobNotFound.

    What is said of a recording is written with each of its jobs. One that is held by who deletes
    it is waited for here, before the recording is: it may be refused to them and stay.
    """
    if with_others:
        recording = select(Job.recording_id).where(Job.id == job_id, Job.owner_id == owner_id)
        session.execute(
            select(Job.id)
            .where(Job.recording_id == recording.scalar_subquery())
            .order_by(Job.id)  # as all do who hold several
            .with_for_update(read=True, key_share=True)
        )
    job = session.scalars(
        select(Job)
        .where(Job.id == job_id, Job.owner_id == owner_id)
        # A worker that writes rows of the job waits for no annotation.
        .with_for_update(key_share=True)
    ).one_or_none()
    if job is None:
        raise JobNotFound
    return job


def add_edit(
    session: Session,
    job: Job,
    kind: AnnotationEditKind,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    editor_id: str,
    undoes: int | None = None,
) -> int:
    """Keep a change of a job that `owned_job` gave, in the transaction that makes it; its number.
    Those before the newest KEPT_EDITS are dropped."""
    newest = session.scalar(
        select(func.max(AnnotationEdit.number)).where(AnnotationEdit.job_id == job.id)
    )
    number = (newest or 0) + 1
    detail: dict[str, Any] = {"before": dict(before), "after": dict(after)}
    if undoes is not None:
        detail["undoes"] = undoes
    session.add(
        AnnotationEdit(
            job_id=job.id,
            owner_id=job.owner_id,
            number=number,
            kind=kind.value,
            detail=detail,
            editor_id=editor_id,
        )
    )
    session.flush()
    session.execute(
        delete(AnnotationEdit)
        .where(AnnotationEdit.job_id == job.id, AnnotationEdit.number <= number - KEPT_EDITS)
        .execution_options(synchronize_session=False)
    )
    return number


def edit_in(session: Session, job: Job, number: int) -> Edit:
    """Read one edit of a job. Raises EditNotFound."""
    row = None
    if 0 < number < 2**31:
        row = session.scalars(
            select(AnnotationEdit).where(
                AnnotationEdit.job_id == job.id, AnnotationEdit.number == number
            )
        ).one_or_none()
    edit = None if row is None else _edit(row)
    if edit is None:
        raise EditNotFound
    return edit


def read_edits(db: Database, *, owner_id: str, job_id: str) -> list[Edit]:
    """The changes of a job that are kept, oldest first. Raises JobNotFound.

    One that cannot be read, as of a later version, is left out.
    """
    with db.reading() as session:
        if not session.scalar(select(Job.id).where(Job.id == job_id, Job.owner_id == owner_id)):
            raise JobNotFound
        rows = session.scalars(
            select(AnnotationEdit)
            .where(AnnotationEdit.job_id == job_id)
            .order_by(AnnotationEdit.number)
        ).all()
    return [edit for edit in map(_edit, rows) if edit is not None]


def _edit(row: AnnotationEdit) -> Edit | None:
    detail = stored_object(row.detail)
    before, after = detail.get("before"), detail.get("after")
    if (
        row.kind not in set(AnnotationEditKind)
        or not isinstance(before, dict)
        or not isinstance(after, dict)
    ):
        return None
    undoes = detail.get("undoes")
    return Edit(
        row.number,
        AnnotationEditKind(row.kind),
        before,
        after,
        row.editor_id,
        row.at,
        undoes if isinstance(undoes, int) else None,
    )
