"""That histories tell what the rows say: each claim and each outcome once, and the end last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select

from shared.db import Database
from shared.models import Attempt, Job, JobEvent
from shared.states import TERMINAL, AttemptOutcome, EventKind, JobStatus

_OUTCOMES = {EventKind(outcome.value) for outcome in AttemptOutcome}
_ENDS_OF_A_LOST_ONE = {EventKind.FAILED, EventKind.CANCELLED}
"""Events of the end of its job, told of the same attempt."""


def contradictions(db: Database) -> Iterator[str]:
    """A sentence with the job's id for each thing that its history tells otherwise."""
    with db.reading() as session:
        jobs = session.execute(select(Job.id, Job.status)).all()
        attempts = session.execute(
            select(Attempt.job_id, Attempt.number, Attempt.outcome).order_by(Attempt.number)
        ).all()
        events = session.execute(select(JobEvent.__table__).order_by(JobEvent.id)).all()
    for job in jobs:
        told = [event for event in events if event.job_id == job.id]
        for what in _of_a_job(
            JobStatus(job.status),
            {row.number: row.outcome for row in attempts if row.job_id == job.id},
            [(EventKind(event.kind), event.attempt) for event in told],
        ):
            yield f"job {job.id}: {what}"
        times = [event.at for event in told]
        if times != sorted(times):
            yield f"job {job.id}: its history runs back in time"


def _of_a_job(
    status: JobStatus,
    outcomes: dict[int, str | None],
    told: list[tuple[EventKind, int | None]],
) -> Iterator[str]:
    if [kind for kind, _ in told].count(EventKind.SUBMITTED) != 1 or (
        told[0][0] is not EventKind.SUBMITTED
    ):
        yield "its history does not begin with one submission"
    if status in TERMINAL and told[-1][0] != status.value:
        yield f"is {status}, and its history ends with {told[-1][0]}"
    oldest = min((number for _, number in told if number is not None), default=0)
    for number, outcome in outcomes.items():
        if number < oldest:
            continue  # its events were dropped for newer ones
        kinds = Counter(kind for kind, of in told if of == number)
        ends = {kind: count for kind, count in kinds.items() if kind in _OUTCOMES}
        if outcome == AttemptOutcome.LOST:
            ends = {kind: n for kind, n in ends.items() if kind not in _ENDS_OF_A_LOST_ONE}
        expected = {} if outcome is None else {EventKind(outcome): 1}
        if kinds[EventKind.CLAIMED] != 1 or ends != expected:
            counts = ", ".join(f"{kind} {count} times" for kind, count in kinds.items())
            yield f"attempt {number} ended as {outcome}, and its history tells {counts}"
