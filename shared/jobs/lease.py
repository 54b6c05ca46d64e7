"""The lease that a worker has on a job. Every statement of a write carries the attempt's fence.

If the lease ran out and the job was given to another, a write raises FenceLost and writes nothing.
If a person cancelled the job, it raises Cancelled.

A connection may break while COMMIT runs, and then nobody knows whether it did.  So a write has a
name (`Claim.write`), which it leaves with the attempt in its own transaction: repeated under the
same name it raises AlreadyWritten if it was committed, and else is done.  The first of the two
holds the lock on the job's row until it is over, so the second cannot overtake it.
"""

from __future__ import annotations

from typing import Any, NoReturn

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import AlreadyWritten, Cancelled, FenceLost
from shared.jobs.claim import Claim
from shared.jobs.transition import changes_one_row
from shared.models import Attempt, Job
from shared.states import JobStatus


def refuse(session: Session, claim: Claim) -> NoReturn:
    """Raise the reason why this attempt may not write any more, be it that it has written this."""
    if claim.write is not None:
        last_write = session.scalar(
            select(Attempt.last_write).where(
                Attempt.job_id == claim.job_id, Attempt.fence == claim.fence
            )
        )
        if last_write == claim.write:
            raise AlreadyWritten
    status = session.scalar(
        select(Job.status).where(Job.id == claim.job_id, Job.fence == claim.fence)
    )
    if status == JobStatus.CANCELLING:
        raise Cancelled
    raise FenceLost


def renew(session: Session, claim: Claim, **values: Any) -> None:
    """Renew the lease and set `values`, if this attempt still holds the job.

    First in each write, once: it raises AlreadyWritten if the same write was committed before.
    """
    progress = values.pop("progress", None)
    if progress is not None:
        # Progress never falls: a resumed attempt decodes again but does not show it.
        values["progress"] = case((Job.progress < progress, progress), else_=Job.progress)
    held = update(Job).where(
        Job.id == claim.job_id,
        Job.fence == claim.fence,
        Job.status == JobStatus.PROCESSING.value,
    )
    lease_expires_at = database_now(claim.lease_s)
    if not changes_one_row(session, held.values(lease_expires_at=lease_expires_at, **values)):
        refuse(session, claim)
    if claim.write is not None:
        _store_write_name(session, claim)


def _store_write_name(session: Session, claim: Claim) -> None:
    """Leave the write's name with the attempt. The lock on the job's row is held."""
    unsigned = update(Attempt).where(
        Attempt.job_id == claim.job_id,
        Attempt.fence == claim.fence,
        Attempt.last_write.is_distinct_from(claim.write),
    )
    if not changes_one_row(session, unsigned.values(last_write=claim.write)):
        raise AlreadyWritten


def heartbeat(db: Database, claim: Claim) -> None:
    """Renew the lease and nothing else."""
    with db.writing() as session:
        renew(session, claim)
