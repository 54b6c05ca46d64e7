"""Requests of people about the minutes of a transcript. Every query names the owner of the job:
another's is not found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import IllegalTransition, JobNotFound, TranscriptNotReady
from shared.jobs.events import NewEvent
from shared.jobs.transition import changes_one_row
from shared.minutes.contents import Minutes
from shared.minutes.errors import (
    MinutesEditedMeanwhile,
    MinutesExist,
    MinutesNotFound,
    MinutesNotReady,
)
from shared.minutes.events import MinutesEventRecord, events_of, record
from shared.models import Job, MinutesAnswer, MinutesRequest, new_id
from shared.states import EventKind, JobStatus, MinutesStatus
from shared.strict_json import stored_object

_UNDER_WAY = (MinutesStatus.QUEUED, MinutesStatus.RUNNING)
_RETRIABLE = (MinutesStatus.FAILED, MinutesStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class MinutesRecord:
    """A request as it is stored."""

    id: str
    job_id: str
    status: MinutesStatus
    language: str
    prompt_version: str
    model: str | None
    host: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    available_at: datetime
    attempts: int
    answers_done: int
    answers_planned: int | None
    error_code: str | None
    error_message: str | None
    transcript_digest: str | None
    proposal: Minutes | None
    """Minutes as the model wrote them."""
    edited: Minutes | None
    """Minutes as their owner left them; None where that is the proposal."""
    revision: int
    accepted_at: datetime | None
    events: list[MinutesEventRecord] = field(default_factory=list)

    @property
    def current(self) -> Minutes | None:
        """The minutes with their owner's changes; None until they are completed."""
        return self.edited if self.edited is not None else self.proposal


def ask(
    db: Database,
    *,
    owner_id: str,
    job_id: str,
    language: str,
    prompts: Mapping[str, str],
    again: bool = False,
) -> MinutesRecord:
    """Queue the writing of minutes. `again` replaces those that are finished.

    Raises JobNotFound, TranscriptNotReady until the job is completed, or MinutesExist.
    """
    try:
        with db.writing() as session:
            # Held before the minutes of before are deleted: who deletes the job does so too.
            status = session.scalar(
                select(Job.status)
                .where(Job.id == job_id, Job.owner_id == owner_id)
                .with_for_update(read=True, key_share=True)
            )
            if status is None:
                raise JobNotFound
            if status != JobStatus.COMPLETED:
                raise TranscriptNotReady
            if again:
                session.execute(
                    sql_delete(MinutesRequest)
                    .where(
                        MinutesRequest.job_id == job_id,
                        MinutesRequest.status.not_in([one.value for one in _UNDER_WAY]),
                    )
                    .execution_options(synchronize_session=False)
                )
            request_id = new_id()
            session.execute(
                insert(MinutesRequest).values(
                    id=request_id, job_id=job_id, language=language, prompts=dict(prompts)
                )
            )
            record(session, request_id, NewEvent(EventKind.SUBMITTED, None, {"language": language}))
    except IntegrityError as error:
        with db.reading() as session:
            if _request_id(session, job_id) is None:
                raise JobNotFound from error  # it was deleted at this moment
        raise MinutesExist from None
    return get(db, owner_id=owner_id, job_id=job_id)


def get(db: Database, *, owner_id: str, job_id: str) -> MinutesRecord:
    """The minutes of a job, or how they stand. Raises JobNotFound or MinutesNotFound."""
    with db.reading() as session:
        return _get(session, owner_id, job_id)


def cancel(db: Database, *, owner_id: str, job_id: str) -> MinutesRecord:
    """Cancel at once; an attempt that runs hears it with its next heartbeat. Cancelling twice is no
    error. Raises JobNotFound, MinutesNotFound, or IllegalTransition for what has ended."""
    with db.writing() as session:
        found = _get(session, owner_id, job_id)
        ended: dict[str, Any] = {
            "completed_at": database_now(),
            "lease_expires_at": None,
            "error_code": None,
            "error_message": None,
        }
        event = NewEvent(EventKind.CANCELLED)
        if not move(session, found.id, _UNDER_WAY, MinutesStatus.CANCELLED, event, **ended):
            found = _get(session, owner_id, job_id)
            if found.status is not MinutesStatus.CANCELLED:
                raise IllegalTransition(
                    f"These minutes are {found.status.value}; there is nothing left to cancel."
                )
        return _get(session, owner_id, job_id)


def retry(db: Database, *, owner_id: str, job_id: str) -> MinutesRecord:
    """Queue failed or cancelled ones again; answers that were committed are not asked for anew.
    Raises JobNotFound, MinutesNotFound or IllegalTransition."""
    with db.writing() as session:
        found = _get(session, owner_id, job_id)
        again: dict[str, Any] = {
            "queued_at": database_now(),
            "available_at": database_now(),
            "completed_at": None,
            "failed_attempts": 0,
            "error_code": None,
            "error_message": None,
        }
        event = NewEvent(EventKind.RETRIED)
        if not move(session, found.id, _RETRIABLE, MinutesStatus.QUEUED, event, **again):
            raise IllegalTransition(
                f"These minutes are {found.status.value}; only failed or cancelled ones can be "
                "tried again."
            )
        return _get(session, owner_id, job_id)


def delete(db: Database, *, owner_id: str, job_id: str) -> None:
    """Delete the minutes of a job, whatever their state; an attempt that runs writes nothing more.
    Raises JobNotFound or MinutesNotFound."""
    with db.writing() as session:
        found = _get(session, owner_id, job_id)
        session.execute(
            sql_delete(MinutesRequest)
            .where(MinutesRequest.id == found.id)
            .execution_options(synchronize_session=False)
        )


def change(
    db: Database,
    *,
    owner_id: str,
    job_id: str,
    revision: int,
    minutes: Minutes | None,
    accepted: bool,
) -> MinutesRecord:
    """Keep the minutes as their owner left them, or None for the proposal; `revision` is the one
    that the change is made from.

    Raises MinutesEditedMeanwhile if that is not the newest, MinutesNotReady, JobNotFound or
    MinutesNotFound.
    """
    with db.writing() as session:
        found = _get(session, owner_id, job_id)
        if found.status is not MinutesStatus.COMPLETED:
            raise MinutesNotReady
        changed = changes_one_row(
            session,
            update(MinutesRequest)
            .where(MinutesRequest.id == found.id, MinutesRequest.revision == revision)
            .values(
                edited=minutes.to_json() if minutes is not None else None,
                revision=MinutesRequest.revision + 1,
                accepted_at=func.coalesce(MinutesRequest.accepted_at, database_now())
                if accepted
                else None,
            ),
        )
        if not changed:
            raise MinutesEditedMeanwhile
        return _get(session, owner_id, job_id)


def move(
    session: Session,
    request_id: str,
    from_statuses: tuple[MinutesStatus, ...],
    to_status: MinutesStatus,
    event: NewEvent,
    *,
    fence: int | None = None,
    **values: Any,
) -> bool:
    """Change a request's status, with `values` and its event; False if it was in none of
    `from_statuses`, or if `fence` is given and is not the newest claim."""
    statement = update(MinutesRequest).where(
        MinutesRequest.id == request_id,
        MinutesRequest.status.in_([status.value for status in from_statuses]),
    )
    if fence is not None:
        statement = statement.where(MinutesRequest.fence == fence)
    if not changes_one_row(session, statement.values(status=to_status.value, **values)):
        return False
    if to_status is MinutesStatus.COMPLETED:
        session.execute(
            sql_delete(MinutesAnswer)
            .where(MinutesAnswer.request_id == request_id)
            .execution_options(synchronize_session=False)
        )
    record(session, request_id, event)
    return True


def _request_id(session: Session, job_id: str) -> str | None:
    return session.scalar(select(MinutesRequest.id).where(MinutesRequest.job_id == job_id))


def _get(session: Session, owner_id: str, job_id: str) -> MinutesRecord:
    found = session.execute(
        select(Job.id, MinutesRequest)
        .outerjoin(MinutesRequest, MinutesRequest.job_id == Job.id)
        .where(Job.id == job_id, Job.owner_id == owner_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise JobNotFound
    row = found[1]
    if row is None:
        raise MinutesNotFound
    return MinutesRecord(
        id=row.id,
        job_id=row.job_id,
        status=MinutesStatus(row.status),
        language=row.language,
        prompt_version=str(stored_object(row.prompts).get("version", "")),
        model=row.model,
        host=row.host,
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        available_at=row.available_at,
        attempts=row.fence,
        answers_done=row.answers_done,
        answers_planned=row.answers_planned,
        error_code=row.error_code,
        error_message=row.error_message,
        transcript_digest=row.transcript_digest,
        proposal=_minutes(row.proposal),
        edited=_minutes(row.edited),
        revision=row.revision,
        accepted_at=row.accepted_at,
        events=events_of(session, row.id),
    )


def _minutes(stored: dict[str, Any] | None) -> Minutes | None:
    return None if stored is None else Minutes.from_json(stored)
