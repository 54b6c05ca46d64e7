"""The jobs of an owner that have the words of a query, newest first, a page at a time.

The index names candidates from the newest on, and their texts are compared until a page is full.
Whoever has few jobs, or few in the states asked for, has these compared without an index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from shared.annotations.labels import LabelKey, gram_of_label, has_label, select_labelled
from shared.dialects import one_of
from shared.models import Job, Recording, SearchEntry, SearchText
from shared.search.grams import gram_of_owner, grams_needed
from shared.search.index import index_of
from shared.search.matching import has_all
from shared.states import JobStatus

MOST_COUNTED = 1_000
"""Hits that are counted; beyond, a page says that there are more."""

_MOST_COMPARED = 3_000
"""Texts that are compared for the sake of the count alone."""

_FEW = 200
"""Jobs that are compared as quickly as the index is asked."""

_FIRST_STEP, _LONGEST_STEP = 100, 1_000

_AFTER_ALL = 2**62


@dataclass(frozen=True, slots=True)
class Hit:
    """A job that has the words."""

    number: int
    """Of its search entry: in order of submission."""
    job_id: str
    status: JobStatus


@dataclass(frozen=True, slots=True)
class HitPage:
    """Some hits, newest first, and how many there are in all."""

    job_ids: list[str]
    next_cursor: str | None
    counts: dict[JobStatus, int]
    """Hits by state, whichever states were asked for."""
    all_counted: bool
    """False if there may be more than `counts` says."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for, and among how many: the owner's jobs by state."""

    owner_id: str
    terms: Sequence[str]
    jobs: Mapping[JobStatus, int]
    labels: Sequence[LabelKey] = ()
    """Labels that the jobs have too. Then `jobs` counts those that have them, or some of very many.
    """

    def among(self, statuses: Collection[JobStatus]) -> int:
        """How many jobs are in one of the states, or in any if none is named."""
        return sum(self.jobs.get(status, 0) for status in statuses or JobStatus)


def find_page(
    session: Session,
    search: Search,
    *,
    statuses: Collection[JobStatus] = (),
    limit: int,
    cursor: str | None = None,
) -> HitPage:
    """Up to `limit` of the jobs that have all words, in one of `statuses` if any is named; from
    the one after `cursor`, a job's id."""
    newest, rest = _newest(session, search)
    counts = dict.fromkeys(JobStatus, 0) | Counter(hit.status for hit in newest)
    below = _AFTER_ALL if cursor is None else _number_at(session, cursor)
    found = [
        hit for hit in newest if hit.number < below and (not statuses or hit.status in statuses)
    ]
    if rest and len(found) <= limit:
        further = _walk(session, search, statuses, min(below, rest))
        found += islice(further, limit + 1 - len(found))
    more = len(found) > limit
    job_ids = [hit.job_id for hit in found[:limit]]
    return HitPage(job_ids, job_ids[-1] if more else None, counts, all_counted=not rest)


def find_next(
    session: Session,
    search: Search,
    *,
    statuses: Collection[JobStatus],
    limit: int,
    cursor: str | None = None,
) -> list[str]:
    """The ids of up to `limit` of the jobs that `find_page` would give, which counts none."""
    below = _AFTER_ALL if cursor is None else _number_at(session, cursor)
    hits = islice(_walk(session, search, statuses, below), limit)
    return [hit.job_id for hit in hits]


def _newest(session: Session, search: Search) -> tuple[list[Hit], int]:
    """The newest hits in any state, and the number below which there may be more; 0 if they are
    all."""
    found: list[Hit] = []
    compared = 0
    if search.among(()) <= _FEW:
        return _hits(session, texts_compared(search, ())), 0
    for numbers in _candidates(session, search, _AFTER_ALL):
        found += _hits(session, texts_compared(search, (), _among(session, numbers)))
        compared += len(numbers)
        if len(found) > MOST_COUNTED:
            return found[:MOST_COUNTED], found[MOST_COUNTED - 1].number
        if compared >= _MOST_COMPARED:
            return found, numbers[-1]
    return found, 0


def _walk(
    session: Session, search: Search, statuses: Collection[JobStatus], below: int
) -> Iterator[Hit]:
    """Hits from a number down, in one of `statuses` if any is named."""
    among = search.among(statuses)
    compared = 0
    if among > _FEW:
        for numbers in _candidates(session, search, below):
            some = _among(session, numbers)
            yield from _hits(session, texts_compared(search, statuses, some))
            compared += len(numbers)
            below = numbers[-1]
            if statuses and compared >= among:
                break  # words in most jobs, and in few of these states
        else:
            return
    yield from _hits(session, texts_compared(search, statuses).where(SearchEntry.number < below))


def _candidates(session: Session, search: Search, below: int) -> Iterator[list[int]]:
    """The numbers of entries that may have the words, highest first, in growing steps: those that
    the index names and those that it does not have yet."""
    index = index_of(session)
    grams = [gram_of_owner(search.owner_id), *map(gram_of_label, search.labels)]
    grams += grams_needed(search.terms)
    most = _FIRST_STEP
    while True:
        # In this order: what is indexed in between is then in both, and not in neither.
        behind = session.scalars(
            select(SearchEntry.number)
            .where(~SearchEntry.indexed, SearchEntry.number < below)
            .order_by(SearchEntry.number.desc())
            .limit(most)
        ).all()
        indexed = index.candidates(session, grams, below=below, most=most)
        # Below the last of a list that was cut off, the other is ahead of it.
        ends = [numbers[-1] for numbers in (indexed, behind) if len(numbers) == most]
        down_to = max(ends, default=0)
        numbers = sorted({*indexed, *behind}, reverse=True)
        if numbers := [number for number in numbers if number >= down_to]:
            yield numbers
        if not ends:
            return
        below = down_to
        most = min(2 * most, _LONGEST_STEP)


def texts_compared(
    search: Search, statuses: Collection[JobStatus], among: ColumnElement[bool] | None = None
) -> Any:
    """Select the owner's jobs that have the words, newest first: of all, or of the few entries for
    which `among` holds."""
    owner: Any = Job.owner_id
    state: Any = Job.status
    if among is not None:
        # Expressions that no index knows: else the planner may read all of the owner's jobs.
        owner, state = owner.concat(""), state.concat("")
    wanted = (
        select(SearchEntry.number, Job.id, Job.status)
        .join(Job, Job.id == SearchEntry.job_id)
        .join(Recording, Recording.id == Job.recording_id)
        .outerjoin(SearchText, SearchText.job_id == Job.id)
        .where(owner == search.owner_id, has_all(search.terms))
        .order_by(SearchEntry.number.desc())
    )
    if statuses:
        wanted = wanted.where(state.in_([status.value for status in statuses]))
    if search.labels and among is None:
        labelled = select_labelled(search.owner_id, search.labels, most=None)
        return wanted.where(Job.id.in_(labelled))
    for key in search.labels:
        wanted = wanted.where(has_label(search.owner_id, key, Job.id))
    return wanted if among is None else wanted.where(among)


def _among(session: Session, numbers: Collection[int]) -> ColumnElement[bool]:
    return one_of(session, SearchEntry.number, numbers)


def _hits(session: Session, wanted: Any) -> list[Hit]:
    return [Hit(row.number, row.id, JobStatus(row.status)) for row in session.execute(wanted)]


def _number_at(session: Session, job_id: str) -> int:
    """The number that all older jobs are below; of a job that was deleted, about that."""
    row = session.execute(
        select(SearchEntry.number, SearchEntry.job_id)
        .where(SearchEntry.job_id <= job_id)
        .order_by(SearchEntry.job_id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return 0
    number: int = row.number
    return number if row.job_id == job_id else number + 1
