"""The jobs of an owner that have the words of a query, newest first, a page at a time.

The index names candidates from the newest on, and their texts are compared until a page is full.
Whoever has few jobs, or few in the states asked for, has these compared without an index.

Pairs of characters may stand in very many texts and the word that they make in hardly any, so no
index bounds what is compared for a page.  A page therefore ends, full or not, once so many were
looked at, and its cursor goes on from there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from shared.annotations.labels import LabelKey, gram_of_label, has_label, select_labelled
from shared.dialects import one_of
from shared.errors import InvalidRequest
from shared.models import Job, Recording, SearchEntry, SearchText
from shared.search.grams import gram_of_owner, grams_needed
from shared.search.index import index_of
from shared.search.matching import has_all
from shared.states import JobStatus

MOST_COUNTED = 1_000
"""Hits that are counted; beyond, a page says that there are more."""

_MOST_COMPARED = 3_000
"""Texts that are compared for a page, and as many for the count."""

_MOST_PASSED = 2**20
"""Jobs of all owners that the index is asked about for a page, and as many for the count."""

_FEW = 200
"""Jobs that are compared as quickly as the index is asked."""

_FIRST_STEP, _LONGEST_STEP = 100, 1_000

_AFTER_ALL = 2**62

_PLACE = re.compile("[1-9][0-9]{0,17}")
"""A cursor that stands between jobs: the number below which a search goes on. Every other one is
the id of a job."""

_FIRST_AND_NEWEST = select(  # two subqueries: SQLite would read the whole table for both in one
    select(func.min(SearchEntry.number)).scalar_subquery(),
    select(func.max(SearchEntry.number)).scalar_subquery(),
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A job that has the words."""

    number: int
    """Number of its search entry: in order of submission."""
    job_id: str
    status: JobStatus


@dataclass(frozen=True, slots=True)
class HitPage:
    """Page of hits, newest first, and the number of hits in all."""

    job_ids: list[str]
    next_cursor: str | None
    searched_to: datetime | None
    """Time of submission of the last job looked at, where the page ended before it was full. None
    for a page that is full or the last."""
    counts: dict[JobStatus, int]
    """Hits by state, whichever states were asked for; none if it was not counted."""
    all_counted: bool
    """False if there may be more than `counts` says."""


@dataclass(frozen=True, slots=True)
class Search:
    """Words and conditions of a search, and the number of the owner's jobs by state."""

    owner_id: str
    terms: Sequence[str]
    jobs: Mapping[JobStatus, int]
    labels: Sequence[LabelKey] = ()
    """Labels that the jobs have too. Then `jobs` counts those that have them."""
    all_jobs_counted: bool = True
    """False if there may be more than `jobs` says."""

    def among(self, statuses: Collection[JobStatus]) -> float:
        """Number of jobs in one of the states, or in any if none is named; infinity if it is not
        known."""
        if not self.all_jobs_counted:
            return inf
        return sum(self.jobs.get(status, 0) for status in statuses or JobStatus)


def find_page(
    session: Session,
    search: Search,
    *,
    statuses: Collection[JobStatus] = (),
    limit: int,
    cursor: str | None = None,
    counted: bool = True,
) -> HitPage:
    """Find up to `limit` of the jobs that have all words, in one of `statuses` if any is named;
    from the one after `cursor`. Raises InvalidRequest for a cursor that nothing is known of any
    more."""
    below = _below(session, cursor)
    found: list[Hit] = []
    counts = dict.fromkeys(JobStatus, 0)
    rest, all_counted = below, False
    if counted:
        newest, rest = _newest(session, search)
        counts |= Counter(hit.status for hit in newest)
        all_counted = not rest
        found = [
            hit for hit in newest if hit.number < below and (not statuses or hit.status in statuses)
        ]
        rest = min(below, rest)
    if rest and len(found) <= limit:
        further, rest = _look(session, search, statuses, below=rest, enough=limit + 1 - len(found))
        found += further
    if len(found) > limit:
        return HitPage(_ids(found[:limit]), found[limit - 1].job_id, None, counts, all_counted)
    searched_to = _searched_to(session, search.owner_id, rest) if len(found) < limit else None
    return HitPage(_ids(found), str(rest) if rest else None, searched_to, counts, all_counted)


def find_next(
    session: Session,
    search: Search,
    *,
    statuses: Collection[JobStatus],
    limit: int,
    cursor: str | None = None,
) -> tuple[list[str], str | None]:
    """The ids of up to `limit` of the jobs that `find_page` would give, which may be none at all,
    and the cursor to go on from: None at the end."""
    below = _below(session, cursor)
    found, rest = _look(session, search, statuses, below=below, enough=limit)
    if len(found) > limit:
        found, rest = found[:limit], found[limit - 1].number
    return _ids(found), str(rest) if rest else None


def count_hits(session: Session, search: Search) -> tuple[dict[JobStatus, int], bool]:
    """The jobs that have all words by state, and whether these are all: the newest if they are
    very many."""
    newest, rest = _newest(session, search)
    return dict.fromkeys(JobStatus, 0) | Counter(hit.status for hit in newest), not rest


def is_place(cursor: str) -> bool:
    """Return whether a cursor is a place of a search, and no job's id."""
    return _PLACE.fullmatch(cursor) is not None


def _newest(session: Session, search: Search) -> tuple[list[Hit], int]:
    """The newest hits in any state, and the number below which there may be more; 0 if they are
    all."""
    found, rest = _look(session, search, (), below=_AFTER_ALL, enough=MOST_COUNTED + 1)
    if len(found) > MOST_COUNTED:
        return found[:MOST_COUNTED], found[MOST_COUNTED - 1].number
    return found, rest


def _look(
    session: Session,
    search: Search,
    statuses: Collection[JobStatus],
    *,
    below: int,
    enough: int,
) -> tuple[list[Hit], int]:
    """Hits below a number in one of `statuses`, if any is named, and the number below which there
    may be more; 0 if they are all.

    It ends once it has `enough` or more, or has looked at as much as one may for a page.
    """
    among = search.among(statuses)
    found: list[Hit] = []
    compared = rest = 0
    if among > _FEW:
        for numbers, rest in _candidates(session, search, below):
            if numbers:
                some = one_of(session, SearchEntry.number, numbers)
                found += _hits(session, texts_compared(search, statuses, some))
                compared += len(numbers)
            if len(found) >= enough:
                return found, rest
            if statuses and compared >= among and among <= _MOST_COMPARED:
                below = rest  # words in most jobs, and few jobs in these states
                break
            if compared >= _MOST_COMPARED:
                return found, rest
        else:
            return found, rest
    if below:
        found += _hits(session, texts_compared(search, statuses).where(SearchEntry.number < below))
    return found, 0


def _candidates(session: Session, search: Search, below: int) -> Iterator[tuple[list[int], int]]:
    """The numbers of entries that may have the words, highest first, in growing steps: those that
    the index names and those that it does not have yet. With each step the number down to which
    these are all.
    """
    index = index_of(session)
    grams = [gram_of_owner(search.owner_id), *map(gram_of_label, search.labels)]
    grams += grams_needed(search.terms)
    first, newest = session.execute(_FIRST_AND_NEWEST).one()
    if first is None:
        return
    below = min(below, newest + 1)
    last = below - _MOST_PASSED if below - _MOST_PASSED > first else 0
    most = step = _FIRST_STEP
    while below > last:
        # In this order: what is indexed in between is then in both, and not in neither.
        behind = session.scalars(
            select(SearchEntry.number)
            .where(~SearchEntry.indexed, SearchEntry.number < below, SearchEntry.number >= last)
            .order_by(SearchEntry.number.desc())
            .limit(most)
        ).all()
        indexed = index.candidates(session, grams, below=below, down_to=last, most=most)
        # Below the last of a list that was cut off, the other is ahead of it.
        ends = [numbers[-1] for numbers in (indexed, behind) if len(numbers) == most]
        below = max(ends, default=last)
        numbers = sorted({*indexed, *behind}, reverse=True)
        numbers = [number for number in numbers if number >= below]
        while len(numbers) > step:
            yield numbers[:step], numbers[step - 1]
            numbers = numbers[step:]
            step = min(2 * step, _LONGEST_STEP)
        yield numbers, below
        most = _MOST_COMPARED  # PostgreSQL reads a block of its index each time


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


def _hits(session: Session, wanted: Any) -> list[Hit]:
    return [Hit(row.number, row.id, JobStatus(row.status)) for row in session.execute(wanted)]


def _ids(found: Collection[Hit]) -> list[str]:
    return [hit.job_id for hit in found]


def _searched_to(session: Session, owner_id: str, number: int) -> datetime | None:
    """Submission time of the oldest of an owner's jobs that is not below a number; other owners'
    jobs are not revealed, so if all of the owner's are below, that of the newest. None for the
    number 0."""
    if not number:
        return None
    entry = (
        select(SearchEntry.job_id)
        .where(SearchEntry.number >= number)
        .order_by(SearchEntry.number)
        .limit(1)
    )
    owned = select(Job.created_at).where(Job.owner_id == owner_id).limit(1)
    oldest = owned.where(Job.id >= entry.scalar_subquery()).order_by(Job.id)
    return session.scalar(oldest) or session.scalar(owned.order_by(Job.id.desc()))


def _below(session: Session, cursor: str | None) -> int:
    """The number below which a page begins."""
    if cursor is None:
        return _AFTER_ALL
    if not is_place(cursor):
        return _number_at(session, cursor)
    if int(cursor) < (session.scalar(select(func.min(SearchEntry.number))) or 0):
        # Nothing is left below it, or `rebuild` gave all jobs other numbers.
        raise InvalidRequest(
            "cursor: nothing is known of this place any more. Search again from the beginning.",
            param="cursor",
        )
    return int(cursor)


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
