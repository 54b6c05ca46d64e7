"""An owner's jobs, some at a time, all or those that a state or words narrow down."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.annotations.labels import LabelKey, count_labelled
from shared.db import Database
from shared.jobs.eta.snapshot import QueueSnapshot, take_snapshot
from shared.jobs.queries.page_ids import find_page_ids
from shared.jobs.queries.view import JobView, view_jobs
from shared.models import Job
from shared.search.hits import MOST_COUNTED, Search, find_page
from shared.search.matching import terms_of
from shared.search.snippets import Snippet, snippets
from shared.settings import SEEN_WITHIN_S
from shared.states import JobStatus


@dataclass(frozen=True, slots=True)
class JobPage:
    """A page of jobs, newest first, and the cursor at which the next page starts."""

    jobs: list[JobView]
    next_cursor: str | None
    workers_alive: int
    """Workers that reported themselves lately."""
    counts: dict[JobStatus, int]
    """Number of the owner's jobs in each state that have the words searched for."""
    all_counted: bool = True
    """False if more may have the words than `counts` says; it stops at about a thousand."""
    searched_to: datetime | None = None
    """Set where so much was looked at that the page ended before it was full: jobs submitted
    before this were not looked at yet, and `next_cursor` goes on with them."""
    snippets: dict[str, Snippet] = field(default_factory=dict)
    """Places in transcripts that have the words searched for, by the job's id."""


def list_jobs(
    db: Database,
    *,
    owner_id: str,
    statuses: Collection[JobStatus] = (),
    query: str | None = None,
    labels: Sequence[LabelKey] = (),
    limit: int = 50,
    cursor: str | None = None,
    snapshot: QueueSnapshot | None = None,
    seen_within_s: float = SEEN_WITHIN_S,
    counted: bool = True,
) -> JobPage:
    """An owner's jobs, newest first: those in one of `statuses`, if any is named, whose names and
    transcripts have the words of `query`, and that have all of `labels`.

    `cursor` is the `next_cursor` of the page before; a worker is alive if it was seen within
    `seen_within_s`.  A `snapshot` that was taken just now is not taken again.  Unless `counted`,
    a search does not look for more jobs than the page has.

    Raises InvalidRequest for a cursor of another list than this.
    """
    with db.reading() as session:
        if snapshot is None:
            snapshot = take_snapshot(session, seen_within_s=seen_within_s, owner_id=owner_id)
        which = _Which(owner_id, statuses, terms_of(query), labels)
        return _page(session, snapshot, which, limit, cursor, counted)


@dataclass(frozen=True, slots=True)
class _Which:
    owner_id: str
    statuses: Collection[JobStatus]
    terms: Sequence[str]
    labels: Sequence[LabelKey]


def _page(
    session: Session,
    snapshot: QueueSnapshot,
    which: _Which,
    limit: int,
    cursor: str | None,
    counted: bool,
) -> JobPage:
    counts, all_counted = snapshot.counts, True
    searched_to: datetime | None = None
    terms, labels = which.terms, which.labels
    if labels:
        counts, all_counted = count_labelled(session, which.owner_id, labels, most=MOST_COUNTED)
    if terms:
        search = Search(which.owner_id, terms, counts, labels, all_counted)
        found = find_page(
            session, search, statuses=which.statuses, limit=limit, cursor=cursor, counted=counted
        )
        counts, all_counted, next_cursor = found.counts, found.all_counted, found.next_cursor
        searched_to = found.searched_to
        views = view_jobs(session, snapshot, Job.id.in_(found.job_ids))
    else:
        page, rest = find_page_ids(
            session, which.owner_id, which.statuses, cursor, limit + 1, labels
        )
        views = view_jobs(session, snapshot, Job.id.in_(page))
        next_cursor = views[limit - 1].job.id if len(views) > limit else rest
        if len(views) < limit and rest is not None:
            searched_to = session.scalar(select(Job.created_at).where(Job.id == rest))
        views = views[:limit]
    shown = [view.job.id for view in views]
    return JobPage(
        views,
        next_cursor=next_cursor,
        workers_alive=snapshot.workers,
        counts=counts,
        all_counted=all_counted,
        searched_to=searched_to,
        snippets=snippets(session, shown, terms) if terms and shown else {},
    )


def snapshot_of(
    db: Database, *, owner_id: str, seen_within_s: float = SEEN_WITHIN_S
) -> QueueSnapshot:
    """A snapshot with an owner's counts: cheap enough to ask whether anything has changed."""
    with db.reading() as session:
        return take_snapshot(session, seen_within_s=seen_within_s, owner_id=owner_id)
