"""Claim of the next job by a worker.

A doorbell only says that there is work.  The worker that hears it takes whichever queued job is
next: higher priority first, then the owner with the fewest jobs running, then the one whose turn is
the longest ago, then the longest waiting (`shared.jobs.scheduling.next_job`).  So one owner's
thousand files do not keep another's one waiting, with a single worker either.  A job that names a
model is next for its workers only.  A doorbell that comes twice, late or for a job long done claims
another job or nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from shared.db import Database, database_now, readable_rows
from shared.dialects import upsert
from shared.jobs.events import (
    NewEvent,
    forget_attempts_beyond_limit,
    forget_beyond_limit,
    record,
)
from shared.jobs.scheduling.next_job import Room, lock_next_job
from shared.models import Attempt, Job, OwnerTurn, Recording, in_one_of
from shared.states import RUNNING, EventKind, JobStatus, Stage
from shared.traces import are_wanted, of_job


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease on one job. Every write of this attempt carries `fence`."""

    job_id: str
    fence: int
    attempt_number: int
    lease_s: float
    owner_id: str
    blob_key: str
    filename: str
    options: dict[str, Any]
    model: str | None = None
    """The only one that may recognise it; None: any."""
    write: str | None = None
    """Names the write that this claim is given to. A worker repeats a write that was not answered
    under the same name, and gives the next one another (`shared.jobs.lease.renew`)."""
    sha256: str | None = None
    """SHA-256 of the recording's bytes."""
    traceparent: str | None = None
    """Parent of the attempt's spans (`shared.traces.of_job`); None where nothing is traced."""
    waits_since: datetime | None = None
    """Time at which the job was queued, by its last attempt if there was one. Used for its trace
    alone."""


_CLAIMED = (
    *(Job.id, Job.fence, Job.owner_id, Job.recording_id, Job.options, Job.model),
    Job.traceparent,
)

_attempts: Any = Attempt.__table__

_NEW_ATTEMPT = insert(_attempts)

_LAST_NUMBER = select(func.max(Attempt.number)).where(Attempt.job_id == bindparam("job"))

_LATEST_TURN = select(func.coalesce(func.max(OwnerTurn.number), 0) + 1).scalar_subquery()


def claim_next(
    db: Database,
    *,
    worker: str,
    lease_s: float,
    write: str | None = None,
    room: Room | None = None,
    model: str | None = None,
) -> Claim | None:
    """Lease the next queued job to `worker`, or None if nothing waits that it may take.

    `model` is the name of the one that it runs: what names another is left to others. With `room`,
    the next among those that the worker has room for. What is passed over keeps its place.
    Called again under the same name `write`, it gives the job that was leased the first time.
    """
    with db.writing() as session:
        if write is not None and (claim := _claimed_before(session, write, lease_s)) is not None:
            return claim
        job_id = lock_next_job(session, db, room, model)
        if job_id is None:
            return None
        claimed = session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(
                status=JobStatus.PROCESSING.value,
                stage=Stage.DECODING.value,
                fence=Job.fence + 1,
                lease_expires_at=database_now(lease_s),
                started_at=func.coalesce(Job.started_at, database_now()),
            )
            .returning(*_CLAIMED)
            .execution_options(synchronize_session=False)
        ).one()
        _advance_turn(session, claimed.owner_id)
        return _open_attempt(session, claimed, worker, lease_s, write, model)


def _claimed_before(session: Session, write: str, lease_s: float) -> Claim | None:
    row = session.execute(
        select(*_CLAIMED, Attempt.number)
        .join(Attempt, (Attempt.job_id == Job.id) & (Attempt.fence == Job.fence))
        .where(
            in_one_of(*RUNNING),
            Job.status == JobStatus.PROCESSING.value,
            Attempt.last_write == write,
        )
    ).one_or_none()
    return None if row is None else _claim(session, row, row.number, lease_s)


def _advance_turn(session: Session, owner_id: str) -> None:
    """Put `owner_id` last among the owners with as many jobs running."""
    turns: Any = OwnerTurn.__table__
    turn = upsert(session, turns).values(owner_id=owner_id, number=_LATEST_TURN)
    session.execute(
        turn.on_conflict_do_update(
            index_elements=[turns.c.owner_id], set_={"number": turn.excluded.number}
        )
    )


def _open_attempt(
    session: Session,
    claimed: Any,
    worker: str,
    lease_s: float,
    write: str | None,
    model: str | None,
) -> Claim:
    number = 1 + (session.scalar(_LAST_NUMBER, {"job": claimed.id}) or 0)
    waits_since = _waits_since(session, claimed.id) if are_wanted() else None
    session.execute(
        _NEW_ATTEMPT,
        {
            "job_id": claimed.id,
            "number": number,
            "fence": claimed.fence,
            "worker": worker,
            "model": model,
            "last_write": write,
        },
    )
    record(session, claimed.id, NewEvent(EventKind.CLAIMED, number, {"lease_s": lease_s}))
    forget_beyond_limit(session, claimed.id)
    forget_attempts_beyond_limit(session, claimed.id, number)
    return _claim(session, claimed, number, lease_s, waits_since)


def _waits_since(session: Session, job_id: str) -> datetime | None:
    """Time since which the job waits: the end of its last attempt, or its queueing. None if it
    cannot be read, since no claim may fail because of it."""
    ended = select(func.max(Attempt.ended_at)).where(Attempt.job_id == job_id).scalar_subquery()
    rows = readable_rows(session, select(Job.queued_at, ended).where(Job.id == job_id))
    return max(filter(None, rows[0])) if rows else None


def _claim(
    session: Session,
    claimed: Any,
    number: int,
    lease_s: float,
    waits_since: datetime | None = None,
) -> Claim:
    recording = session.get_one(Recording, claimed.recording_id)
    return Claim(
        job_id=claimed.id,
        fence=claimed.fence,
        attempt_number=number,
        lease_s=lease_s,
        owner_id=claimed.owner_id,
        blob_key=recording.blob_key,
        sha256=recording.sha256,
        filename=recording.filename,
        options=claimed.options,
        model=claimed.model,
        traceparent=of_job(claimed.id, claimed.traceparent),
        waits_since=waits_since,
    )
