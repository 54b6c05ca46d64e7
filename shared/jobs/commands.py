"""Commands of a person or client to a job (cancel, retry), or to several at once: each is then
cancelled or retried as if it were asked for alone, and the answer holds an outcome for each.
`deletion` deletes them.

Every query names the owner: another's is not found.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from enum import StrEnum

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import IllegalTransition, JobNotFound
from shared.jobs.events import NewEvent, forget_beyond_limit
from shared.jobs.queue_limit import NO_LIMIT, QueueLimit, one_at_a_time, refuse_beyond
from shared.jobs.tallies.audio import audio_seconds_sql
from shared.jobs.transition import move
from shared.models import Job, Recording, in_one_of
from shared.quotas.errors import MonthlyQuotaUsed, QueueShareFull
from shared.quotas.monthly import count_retried
from shared.states import TERMINAL, EventKind, JobStatus
from shared.storage.errors import RecordingInUse

_AT_ONCE = 20
"""Jobs in one transaction: few enough that a worker never waits long for one of their rows."""


class Outcome(StrEnum):
    """Result of a command for one job of several."""

    CANCELLED = "cancelled"
    CANCELLING = "cancelling"
    """Cancellation asked for: the job's worker stops within a batch."""
    QUEUED = "queued"
    DELETED = "deleted"
    REFUSED = "refused"
    """Refused because of the job's state: it had ended already, or has not yet."""
    NO_ROOM = "no_room"
    """Refused because the job's owner has as much waiting as is allowed."""
    NO_HOURS = "no_hours"
    """Refused because the job's owner has submitted as much this month as is allowed."""
    IN_USE = "in_use"
    """Refused because another job of the same recording waits or runs."""
    GONE = "gone"
    """Refused because the job no longer exists."""


CANCELLABLE = (JobStatus.QUEUED, JobStatus.PROCESSING)
RETRIABLE = (JobStatus.FAILED, JobStatus.CANCELLED)

_OUTCOMES = {
    JobStatus.CANCELLED: Outcome.CANCELLED,
    JobStatus.CANCELLING: Outcome.CANCELLING,
    JobStatus.QUEUED: Outcome.QUEUED,
}


def status_in(session: Session, owner_id: str, job_id: str) -> JobStatus:
    """The state of an owner's job, read in a transaction of the caller's. Raises JobNotFound."""
    status = session.scalar(select(Job.status).where(Job.id == job_id, Job.owner_id == owner_id))
    if status is None:
        raise JobNotFound
    return JobStatus(status)


def cancel(db: Database, *, owner_id: str, job_id: str) -> JobStatus:
    """Cancel a job; a running one stops within a batch.

    Cancelling twice is no error.  Raises JobNotFound, or IllegalTransition for a finished job.
    """
    with db.writing() as session:
        return cancel_in(session, owner_id, job_id)


def cancel_in(session: Session, owner_id: str, job_id: str) -> JobStatus:
    """Do what `cancel` does in a transaction of the caller's."""
    # A worker may claim or finish the job between two of these, so each is tried by itself;
    # whichever finds its row has won the race.
    status_in(session, owner_id, job_id)
    if move(
        session,
        job_id,
        JobStatus.QUEUED,
        JobStatus.CANCELLED,
        NewEvent(EventKind.CANCELLED),
        completed_at=database_now(),
    ):
        return JobStatus.CANCELLED
    asked = NewEvent(EventKind.CANCEL_ASKED)
    if move(session, job_id, JobStatus.PROCESSING, JobStatus.CANCELLING, asked):
        return JobStatus.CANCELLING
    status = status_in(session, owner_id, job_id)
    if status in (JobStatus.CANCELLING, JobStatus.CANCELLED):
        return status
    raise IllegalTransition(f"This job is {status.value}; there is nothing left to cancel.")


def retry(db: Database, *, owner_id: str, job_id: str, limit: QueueLimit = NO_LIMIT) -> JobStatus:
    """Queue a failed or cancelled job again; what it had recognised is reused.

    Raises JobNotFound, IllegalTransition for a job in another state, RecordingInUse while another
    job of its recording waits or runs, QueueShareFull, or MonthlyQuotaUsed where its recording
    counts once more since another job decoded it.
    """
    with db.writing() as session:
        return retry_in(session, db, owner_id, job_id, limit)


def retry_in(
    session: Session, db: Database, owner_id: str, job_id: str, limit: QueueLimit
) -> JobStatus:
    """Do what `retry` does in a transaction of the caller's."""
    if status_in(session, owner_id, job_id) in RETRIABLE:
        if limit != NO_LIMIT:
            one_at_a_time(session)
        hold_with_recordings(session, owner_id, [job_id])
        recording = select(Job.recording_id).where(Job.id == job_id).scalar_subquery()
        refuse_in_use(session, Job.recording_id == recording, Job.id != job_id)
        length_s = _length_s(session, job_id)
        if limit != NO_LIMIT:
            refuse_beyond(session, limit, owner_id, length_s, is_new=False)
        limits = None if limit == NO_LIMIT else limit.owner
        count_retried(session, owner_id, job_id, length_s, limits)
    for status in RETRIABLE:
        if move(
            session,
            job_id,
            status,
            JobStatus.QUEUED,
            NewEvent(EventKind.RETRIED),
            queued_at=database_now(),
            available_at=database_now(),
            completed_at=None,
            failed_attempts=0,
            error_code=None,
            error_message=None,
        ):
            forget_beyond_limit(session, job_id)
            return JobStatus.QUEUED
    now = status_in(session, owner_id, job_id)
    raise IllegalTransition(
        f"This job is {now.value}; only a failed or cancelled job can be retried."
    )


def hold_with_recordings(
    session: Session, owner_id: str, job_ids: Collection[str], *, to_delete: bool = False
) -> None:
    """Hold jobs of an owner, and then their recordings, until this transaction ends.

    Of two jobs of one recording, the second would else be held after it, while the worker on that
    job waits for the recording.  Who changes the details of a recording waits for a job of it that
    is held `to_delete`.
    """
    theirs = select(Job.recording_id).where(Job.id.in_(job_ids), Job.owner_id == owner_id)
    session.execute(theirs.order_by(Job.id).with_for_update(key_share=not to_delete))
    of_theirs = select(Recording.id).where(Recording.id.in_(theirs))
    session.execute(of_theirs.order_by(Recording.id).with_for_update())


def refuse_in_use(session: Session, *which: ColumnElement[bool]) -> None:
    """Raise RecordingInUse where one of these jobs of a recording waits or runs; the caller holds
    the recording."""
    unfinished = select(Job.id).where(*which, ~in_one_of(*TERMINAL))
    if session.scalar(unfinished.limit(1)) is not None:
        raise RecordingInUse


def _length_s(session: Session, job_id: str) -> float:
    length_s = session.scalar(
        select(audio_seconds_sql())
        .select_from(Job)
        .join(Recording, Recording.id == Job.recording_id)
        .where(Job.id == job_id)
    )
    return float(length_s or 0.0)


def cancel_all(db: Database, *, owner_id: str, job_ids: Collection[str]) -> dict[str, Outcome]:
    """Cancel jobs; the outcome by job. One that was cancelled before is refused here: nothing came
    of asking again."""

    def cancel_one(session: Session, job_id: str) -> Outcome:
        if status_in(session, owner_id, job_id) is JobStatus.CANCELLED:
            return Outcome.REFUSED
        return _OUTCOMES[cancel_in(session, owner_id, job_id)]

    return ask_each(db, job_ids, cancel_one)


def retry_all(
    db: Database, *, owner_id: str, job_ids: Collection[str], limit: QueueLimit = NO_LIMIT
) -> dict[str, Outcome]:
    """Queue failed and cancelled jobs again; the outcome by job. The caller rings for those that
    are queued."""

    def retry_one(session: Session, job_id: str) -> Outcome:
        return _OUTCOMES[retry_in(session, db, owner_id, job_id, limit)]

    def hold(session: Session, some: Sequence[str]) -> None:
        if limit != NO_LIMIT:
            one_at_a_time(session)  # before any recording, as whoever submits
        hold_with_recordings(session, owner_id, some)

    return ask_each(db, job_ids, retry_one, hold=hold)


def ask_each(
    db: Database,
    job_ids: Collection[str],
    ask: Callable[[Session, str], Outcome],
    *,
    hold: Callable[[Session, Sequence[str]], None] | None = None,
    committed: Callable[[], None] | None = None,
) -> dict[str, Outcome]:
    """Call `ask` with each job, some in a transaction; the outcome by job, also of those for which
    it raises IllegalTransition, RecordingInUse, QueueShareFull, MonthlyQuotaUsed or JobNotFound.

    `hold` is called first in each transaction, with its jobs in order, and `committed` after it.
    """
    outcomes: dict[str, Outcome] = {}
    # In one order, so that two who select the same jobs wait for one another and not in a circle.
    ordered = sorted(set(job_ids))
    for start in range(0, len(ordered), _AT_ONCE):
        some = ordered[start : start + _AT_ONCE]
        with db.writing() as session:
            if hold is not None:
                hold(session, some)
            for job_id in some:
                try:
                    # What was refused half-way leaves nothing behind in the transaction of others.
                    with session.begin_nested():
                        outcomes[job_id] = ask(session, job_id)
                except IllegalTransition:
                    outcomes[job_id] = Outcome.REFUSED
                except RecordingInUse:
                    outcomes[job_id] = Outcome.IN_USE
                except QueueShareFull:
                    outcomes[job_id] = Outcome.NO_ROOM
                except MonthlyQuotaUsed:
                    outcomes[job_id] = Outcome.NO_HOURS
                except JobNotFound:
                    outcomes[job_id] = Outcome.GONE
        if committed is not None:
            committed()
    return outcomes
