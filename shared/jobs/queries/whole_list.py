"""A whole list of an owner's jobs, selected at once: a condition instead of as many ids.

It holds for what the list had when it was taken. What was submitted, queued again or ended after
that is left alone, also where it has come to be in a state that the list is of.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from shared.annotations.labels import LabelKey, count_labelled
from shared.db import Database, database_now
from shared.jobs.queries.page_ids import find_page_ids
from shared.jobs.tallies.counts import counted_by_status
from shared.models import Job
from shared.search.hits import MOST_COUNTED, Search, count_hits, find_next
from shared.search.matching import terms_of
from shared.states import JobStatus


@dataclass(frozen=True, slots=True)
class WholeList:
    """Jobs that `list_jobs` gives for the same conditions, page after page, up to a moment."""

    owner_id: str
    newest: str
    """The id of its newest job."""
    until: datetime
    """Time up to which the list was taken; an event of a job after it takes the job out of the
    list."""
    statuses: Collection[JobStatus] = ()
    query: str | None = None
    labels: Sequence[LabelKey] = ()
    without: Collection[str] = field(default_factory=frozenset)
    """Ids of jobs that were taken out of it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Size of a whole list and the moment up to which it was taken."""

    newest: str
    until: datetime
    counts: dict[JobStatus, int]
    """Number of the list's jobs by state."""
    all_counted: bool
    """False if there may be more than `counts` says."""


def take_whole_list(
    db: Database,
    *,
    owner_id: str,
    statuses: Collection[JobStatus] = (),
    query: str | None = None,
    labels: Sequence[LabelKey] = (),
) -> Taken:
    """Take an owner's list as it is now. Reads a few rows however many jobs there are."""
    terms = terms_of(query)
    with db.reading() as session:
        until = session.execute(select(database_now())).scalar_one()
        newest = session.scalar(select(func.max(Job.id)).where(Job.owner_id == owner_id)) or ""
        counts, all_counted = _counts(session, owner_id, labels)
        if terms:
            search = Search(owner_id, terms, counts, labels, all_counted)
            counts, all_counted = count_hits(session, search)
    wanted = {status: counts[status] for status in statuses or JobStatus}
    return Taken(newest, until, wanted, all_counted)


def some_of_whole_list(
    db: Database,
    whole: WholeList,
    *,
    statuses: Collection[JobStatus],
    cursor: str | None = None,
    most: int,
) -> tuple[list[str], str | None]:
    """The ids of the next jobs of a whole list that are in one of `statuses`, at most `most` and
    perhaps none, and the cursor to go on from: None at its end."""
    wanted = [status for status in statuses if not whole.statuses or status in whole.statuses]
    if not wanted:
        return [], None
    with db.reading() as session:
        found, cursor = _next(session, whole, wanted, cursor, most)
        still = select(Job.id).where(
            Job.id.in_(found),
            Job.id <= whole.newest,
            Job.queued_at <= whole.until,
            or_(Job.completed_at.is_(None), Job.completed_at <= whole.until),
        )
        unchanged = set(session.scalars(still)).difference(whole.without)
    return [job_id for job_id in found if job_id in unchanged], cursor


def _next(
    session: Session,
    whole: WholeList,
    statuses: Collection[JobStatus],
    cursor: str | None,
    most: int,
) -> tuple[list[str], str | None]:
    terms = terms_of(whole.query)
    if not terms:
        page, rest = find_page_ids(session, whole.owner_id, statuses, cursor, most, whole.labels)
        found = page if isinstance(page, list) else list(session.scalars(page))
        return found, found[-1] if len(found) == most else rest
    counts, all_counted = _counts(session, whole.owner_id, whole.labels)
    search = Search(whole.owner_id, terms, counts, whole.labels, all_counted)
    return find_next(session, search, statuses=statuses, limit=most, cursor=cursor)


def _counts(
    session: Session, owner_id: str, labels: Sequence[LabelKey]
) -> tuple[dict[JobStatus, int], bool]:
    if labels:
        return count_labelled(session, owner_id, labels, most=MOST_COUNTED)
    return counted_by_status(session, owner_id=owner_id), True
