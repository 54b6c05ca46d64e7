"""Queue of requests for the process that writes minutes: each is claimed under a lease with a fence
as jobs are.

Every write names the request, which is another one when somebody asks anew, and the fence.  An
attempt that lost its lease writes nothing: it gets FenceLost, or Cancelled if its owner cancelled.
A write whose COMMIT was not answered may be repeated: an answer is stored under the digest of its
question, and the end of an attempt finds the request ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, aliased

from shared.db import Database, database_now
from shared.dialects import upsert
from shared.errors import Cancelled, FenceLost, LongscribeError
from shared.jobs.events import NewEvent, error_detail
from shared.jobs.transition import changes_one_row
from shared.minutes.contents import Minutes
from shared.minutes.errors import MinutesWorkerLost
from shared.minutes.requests import move
from shared.models import Job, MinutesAnswer, MinutesRequest
from shared.states import EventKind, MinutesStatus
from shared.strict_json import stored_object

MOST_FAILURES = 6
"""Attempts lost, or ended by an error that may pass, one after another without an answer between
them, before a request is failed."""

_FIRST_DELAY_S = 10.0
_LONGEST_DELAY_S = 300.0
_LONGEST_ASKED_DELAY_S = 3600.0
"""Longest delay in seconds that a server may ask for."""


@dataclass(frozen=True, slots=True)
class MinutesClaim:
    """A lease on one request."""

    request_id: str
    job_id: str
    owner_id: str
    language: str
    prompts: dict[str, str]
    fence: int
    lease_s: float


def claim_next(
    db: Database, *, worker: str, lease_s: float, model: str, host: str
) -> MinutesClaim | None:
    """Lease the next request, or None if nothing waits: of the owner who was served the longest
    ago, the one that waits the longest."""
    due = (
        MinutesRequest.status == MinutesStatus.QUEUED.value,
        MinutesRequest.available_at <= database_now(),
    )
    with db.reading() as session:  # most looks find none, and leave SQLite's writer alone
        if session.execute(select(MinutesRequest.id).where(*due).limit(1)).first() is None:
            return None
    served, served_job = aliased(MinutesRequest), aliased(Job)
    # Once for each owner: for each request that waits it would be the square of their number.
    waiting = select(Job.owner_id).join(MinutesRequest, MinutesRequest.job_id == Job.id).where(*due)
    last_served = (
        select(served_job.owner_id, func.max(served.started_at).label("at"))
        .join(served_job, served_job.id == served.job_id)
        .where(served_job.owner_id.in_(waiting))
        .group_by(served_job.owner_id)
        .subquery()
    )
    with db.writing() as session:
        found = session.execute(
            select(MinutesRequest.id, Job.owner_id)
            .join(Job, Job.id == MinutesRequest.job_id)
            .join(last_served, last_served.c.owner_id == Job.owner_id)
            .where(*due)
            .order_by(
                last_served.c.at.asc().nulls_first(), MinutesRequest.queued_at, MinutesRequest.id
            )
            .limit(1)
            .with_for_update(of=MinutesRequest, skip_locked=True)
        ).one_or_none()
        if found is None:
            return None
        row = session.execute(
            update(MinutesRequest)
            .where(MinutesRequest.id == found.id)
            .values(fence=MinutesRequest.fence + 1)
            .returning(
                MinutesRequest.job_id,
                MinutesRequest.fence,
                MinutesRequest.language,
                MinutesRequest.prompts,
            )
            .execution_options(synchronize_session=False)
        ).one()
        event = NewEvent(
            EventKind.CLAIMED, row.fence, {"worker": worker, "model": model, "host": host}
        )
        move(
            session,
            found.id,
            (MinutesStatus.QUEUED,),
            MinutesStatus.RUNNING,
            event,
            lease_expires_at=database_now(lease_s),
            started_at=database_now(),
            model=model,
            host=host,
            error_code=None,
            error_message=None,
        )
        return MinutesClaim(
            request_id=found.id,
            job_id=row.job_id,
            owner_id=found.owner_id,
            language=row.language,
            prompts=stored_object(row.prompts),
            fence=row.fence,
            lease_s=lease_s,
        )


def heartbeat(db: Database, claim: MinutesClaim) -> None:
    """Renew the lease. Raises FenceLost or Cancelled."""
    with db.writing() as session:
        _renew(session, claim)


def stored_answer(db: Database, claim: MinutesClaim, digest: str) -> Minutes | None:
    """The answer to a question that an earlier attempt committed, or this one."""
    with db.reading() as session:
        content = session.scalar(
            select(MinutesAnswer.content).where(
                MinutesAnswer.request_id == claim.request_id, MinutesAnswer.digest == digest
            )
        )
    return None if content is None else Minutes.from_json(content)


def store_answer(db: Database, claim: MinutesClaim, digest: str, answer: Minutes) -> None:
    """Commit an answer, so that nobody asks for it again; failures are counted anew from here.
    Raises FenceLost or Cancelled."""
    with db.writing() as session:
        _renew(session, claim, failed_attempts=0)
        row = upsert(session, MinutesAnswer).values(
            request_id=claim.request_id, digest=digest, content=answer.to_json()
        )
        session.execute(
            row.on_conflict_do_nothing(
                index_elements=[MinutesAnswer.request_id, MinutesAnswer.digest]
            )
        )


def note_progress(db: Database, claim: MinutesClaim, *, done: int, planned: int) -> None:
    """Tell how many answers are there and how many are expected. Raises FenceLost or Cancelled."""
    with db.writing() as session:
        _renew(session, claim, answers_done=done, answers_planned=planned)


def finish(db: Database, claim: MinutesClaim, minutes: Minutes, *, transcript_digest: str) -> None:
    """Store the minutes, once. Raises FenceLost or Cancelled, with nothing stored."""
    _end(
        db,
        claim,
        MinutesStatus.COMPLETED,
        NewEvent(EventKind.COMPLETED, claim.fence, {"points": len(minutes)}),
        proposal=minutes.to_json(),
        transcript_digest=transcript_digest,
        completed_at=database_now(),
        error_code=None,
        error_message=None,
    )


def fail(db: Database, claim: MinutesClaim, error: LongscribeError) -> None:
    """End the attempt and the request. Raises FenceLost or Cancelled."""
    event = NewEvent(EventKind.FAILED, claim.fence, error_detail(error))
    _end(db, claim, MinutesStatus.FAILED, event, **_failed(error))


def release(db: Database, claim: MinutesClaim) -> None:
    """Give the request back because the process stops; this costs no attempt."""
    _end(db, claim, MinutesStatus.QUEUED, NewEvent(EventKind.RELEASED, claim.fence))


def retry_later(
    db: Database, claim: MinutesClaim, error: LongscribeError, *, asked_delay_s: float | None = None
) -> None:
    """Queue the request again after a pause, which doubles with each failure and is at least what
    the server asked for; or fail it. Raises FenceLost or Cancelled."""
    with db.writing() as session:
        failures = 1 + _failures(session, claim.request_id)
        if failures >= MOST_FAILURES:
            event = NewEvent(EventKind.FAILED, claim.fence, error_detail(error))
            _end_in(session, claim, MinutesStatus.FAILED, event, **_failed(error))
            return
        delay_s = min(_FIRST_DELAY_S * 2 ** (failures - 1), _LONGEST_DELAY_S)
        delay_s = max(delay_s, min(asked_delay_s or 0.0, _LONGEST_ASKED_DELAY_S))
        detail = {**error_detail(error), "delay_s": delay_s, "failures": failures}
        _end_in(
            session,
            claim,
            MinutesStatus.QUEUED,
            NewEvent(EventKind.RETRYING, claim.fence, detail),
            available_at=database_now(delay_s),
            failed_attempts=failures,
            error_code=error.code,
            error_message=error.message,
        )


def lease_clock(db: Database) -> datetime:
    """The time by which leases run out."""
    with db.reading() as session:
        return session.execute(select(database_now())).scalar_one()


def expire_leases(db: Database, *, expired_before: datetime | None = None) -> list[str]:
    """Queue requests again whose process renews its lease no more, or fail them once that happened
    too often; their ids. `expired_before`, by `lease_clock`, leaves out what ran out since then."""
    expired = (
        MinutesRequest.status == MinutesStatus.RUNNING.value,
        MinutesRequest.lease_expires_at
        < (database_now() if expired_before is None else expired_before),
    )
    with db.reading() as session:
        if session.execute(select(MinutesRequest.id).where(*expired).limit(1)).first() is None:
            return []
    ended = []
    with db.writing() as session:
        held = select(MinutesRequest.id, MinutesRequest.fence, MinutesRequest.failed_attempts)
        held = held.where(*expired).limit(100).with_for_update(skip_locked=True)
        for row in session.execute(held).all():
            failures, error = row.failed_attempts + 1, MinutesWorkerLost()
            of_request: dict[str, Any] = {"failed_attempts": failures, "lease_expires_at": None}
            detail = {"code": error.code, "failures": failures}
            event, status = NewEvent(EventKind.LOST, row.fence, detail), MinutesStatus.QUEUED
            if failures >= MOST_FAILURES:
                event = NewEvent(EventKind.FAILED, row.fence, error_detail(error))
                status = MinutesStatus.FAILED
                of_request |= _failed(error)
            running = (MinutesStatus.RUNNING,)
            if move(session, row.id, running, status, event, fence=row.fence, **of_request):
                ended.append(row.id)
    return ended


def longest_wait_s(db: Database) -> float:
    """Seconds for which a request has waited that anybody could take, where nobody is at one; 0
    where none waits so."""
    with db.reading() as session:
        running = select(MinutesRequest.id).where(
            MinutesRequest.status == MinutesStatus.RUNNING.value,
            MinutesRequest.lease_expires_at > database_now(),
        )
        since = session.execute(
            select(func.min(MinutesRequest.available_at), database_now()).where(
                MinutesRequest.status == MinutesStatus.QUEUED.value, ~running.exists()
            )
        ).one()
    return max(0.0, (since[1] - since[0]).total_seconds()) if since[0] is not None else 0.0


def _failed(error: LongscribeError) -> dict[str, Any]:
    return {
        "completed_at": database_now(),
        "error_code": error.code,
        "error_message": error.message,
    }


def _failures(session: Session, request_id: str) -> int:
    wanted = select(MinutesRequest.failed_attempts).where(MinutesRequest.id == request_id)
    return session.scalar(wanted) or 0


def _end(
    db: Database, claim: MinutesClaim, status: MinutesStatus, event: NewEvent, **values: Any
) -> None:
    with db.writing() as session:
        _end_in(session, claim, status, event, **values)


def _end_in(
    session: Session, claim: MinutesClaim, status: MinutesStatus, event: NewEvent, **values: Any
) -> None:
    if not move(
        session,
        claim.request_id,
        (MinutesStatus.RUNNING,),
        status,
        event,
        fence=claim.fence,
        lease_expires_at=None,
        **values,
    ):
        _refuse(session, claim)


def _renew(session: Session, claim: MinutesClaim, **values: Any) -> None:
    held = update(MinutesRequest).where(
        MinutesRequest.id == claim.request_id,
        MinutesRequest.fence == claim.fence,
        MinutesRequest.status == MinutesStatus.RUNNING.value,
    )
    values["lease_expires_at"] = database_now(claim.lease_s)
    if not changes_one_row(session, held.values(**values)):
        _refuse(session, claim)


def _refuse(session: Session, claim: MinutesClaim) -> NoReturn:
    """Raise the reason why this attempt may not write any more."""
    status = session.scalar(
        select(MinutesRequest.status).where(
            MinutesRequest.id == claim.request_id, MinutesRequest.fence == claim.fence
        )
    )
    raise Cancelled if status == MinutesStatus.CANCELLED else FenceLost
