"""What a person asks of several jobs at once: each is cancelled, retried or deleted as if it were
asked for alone, and the answer holds an outcome for each."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum

from sqlalchemy.orm import Session

from shared.db import Database
from shared.errors import IllegalTransition, JobNotFound
from shared.jobs.commands import cancel_in, retry_in, status_in
from shared.jobs.deletion import delete_in
from shared.states import JobStatus

_AT_ONCE = 20
"""Jobs in one transaction: few enough that a worker never waits long for one of their rows."""


class Outcome(StrEnum):
    """What became of one job of several."""

    CANCELLED = "cancelled"
    CANCELLING = "cancelling"
    """Its worker stops within a batch."""
    QUEUED = "queued"
    DELETED = "deleted"
    REFUSED = "refused"
    """Its state does not allow it: it had ended already, or has not yet."""
    GONE = "gone"
    """There is no such job any more."""


_OUTCOMES = {
    JobStatus.CANCELLED: Outcome.CANCELLED,
    JobStatus.CANCELLING: Outcome.CANCELLING,
    JobStatus.QUEUED: Outcome.QUEUED,
}


def cancel_all(db: Database, *, owner_id: str, job_ids: Collection[str]) -> dict[str, Outcome]:
    """Cancel jobs; the outcome by job. One that was cancelled before is refused here: nothing came
    of asking again."""

    def cancel(session: Session, job_id: str) -> Outcome:
        if status_in(session, owner_id, job_id) is JobStatus.CANCELLED:
            return Outcome.REFUSED
        return _OUTCOMES[cancel_in(session, owner_id, job_id)]

    return _each(db, job_ids, cancel)


def retry_all(db: Database, *, owner_id: str, job_ids: Collection[str]) -> dict[str, Outcome]:
    """Queue failed and cancelled jobs again; the outcome by job. The caller rings for those that
    are queued."""

    def retry(session: Session, job_id: str) -> Outcome:
        return _OUTCOMES[retry_in(session, owner_id, job_id)]

    return _each(db, job_ids, retry)


def delete_all(
    db: Database, *, owner_id: str, job_ids: Collection[str]
) -> tuple[dict[str, Outcome], list[str]]:
    """Delete jobs; the outcome by job, and the keys of the blobs that nobody uses any more: remove
    those bytes next."""
    keys: list[str] = []

    def delete(session: Session, job_id: str) -> Outcome:
        key = delete_in(session, owner_id, job_id)
        if key is not None:
            keys.append(key)
        return Outcome.DELETED

    return _each(db, job_ids, delete), keys


def _each(
    db: Database, job_ids: Collection[str], ask: Callable[[Session, str], Outcome]
) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    # In one order, so that two who select the same jobs wait for one another and not in a circle.
    ordered = sorted(set(job_ids))
    for start in range(0, len(ordered), _AT_ONCE):
        with db.writing() as session:
            for job_id in ordered[start : start + _AT_ONCE]:
                try:
                    outcomes[job_id] = ask(session, job_id)
                except IllegalTransition:
                    outcomes[job_id] = Outcome.REFUSED
                except JobNotFound:
                    outcomes[job_id] = Outcome.GONE
    return outcomes
