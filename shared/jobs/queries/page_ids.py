"""Ids of the jobs on a page of an owner's list, at a cost that does not grow with the jobs outside
it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import Select, and_, select, union_all
from sqlalchemy.orm import Session

from shared.annotations.labels import LabelKey, is_labelled, select_labelled
from shared.dialects import told_limit
from shared.errors import InvalidRequest
from shared.models import Job
from shared.search.hits import is_place
from shared.states import JobStatus

_STEPS = (400, 1_600, 6_400)
"""Jobs that are looked through one step after the other, and no more for a page."""


def find_page_ids(
    session: Session,
    owner_id: str,
    statuses: Collection[JobStatus],
    cursor: str | None,
    most: int,
    labels: Sequence[LabelKey] = (),
) -> tuple[Select[Any] | list[str], str | None]:
    """The ids of the newest `most` jobs of an owner, those in one of `statuses` if any is named,
    with all of `labels`, and before `cursor` unless it is None: a query for them, or they.

    Where so many had to be looked through that there may be more although they are fewer than
    `most`, also the cursor to go on from; else None.  Raises InvalidRequest for a cursor of a
    search.
    """
    if cursor is not None and is_place(cursor):
        raise InvalidRequest(
            "cursor: it is of a search. Ask for its words too, or begin anew.", param="cursor"
        )
    if not labels:
        return select_page_ids(owner_id, statuses, cursor, told_limit(most)), None
    if not statuses:
        return select_labelled(owner_id, labels, cursor=cursor, most=told_limit(most)), None

    def labelled(before: str | None, step: int) -> Select[Any]:
        some = select_labelled(owner_id, labels, cursor=before, most=told_limit(step)).subquery()
        # Not joined: PostgreSQL would rather read all jobs of a state, which may be most.
        state = select(Job.status).where(Job.id == some.c.id).scalar_subquery()
        wanted = state.in_([status.value for status in sorted(statuses)])
        return select(some.c.id, wanted).order_by(some.c.id.desc())

    def in_states(before: str | None, step: int) -> Select[Any]:
        some = select_page_ids(owner_id, statuses, before, told_limit(step)).subquery()
        wanted = and_(*(is_labelled(owner_id, key, some.c.id) for key in labels))
        return select(some.c.id, wanted).order_by(some.c.id.desc())

    return _first_of_either([_Walk(labelled, cursor), _Walk(in_states, cursor)], session, most)


def select_page_ids(
    owner_id: Any,
    statuses: Collection[JobStatus],
    cursor: Any | None,
    most: Any,
) -> Select[Any]:
    """Select the ids of the newest jobs of an owner, those in one of `statuses` if any is named,
    and before `cursor` unless it is None."""

    def newest(*states: JobStatus) -> Select[Any]:
        wanted = select(Job.id).where(Job.owner_id == owner_id)
        for state in states:
            wanted = wanted.where(Job.status == state.value)
        if cursor is not None:
            wanted = wanted.where(Job.id < cursor)  # ids are UUIDv7: in order of submission
        return wanted.order_by(Job.id.desc()).limit(most)

    if not statuses:
        return newest()
    # The newest of each state stand together in an index; those of several states nowhere.
    parts = [newest(state).subquery() for state in sorted(statuses)]
    some = union_all(*(select(part.c.id) for part in parts)).subquery()
    return select(some.c.id).order_by(some.c.id.desc()).limit(most)


class _Walk:
    """Looks through an owner's jobs from the newest on, some at a time.

    `some` selects the ids of a number of them before an id, and whether each is wanted.
    """

    def __init__(self, some: Callable[[str | None, int], Select[Any]], before: str | None) -> None:
        self._some, self.before = some, before
        self.found: list[str] = []
        self.has_ended = False

    def go_on(self, session: Session, step: int) -> None:
        """Look through `step` more."""
        rows = session.execute(self._some(self.before, step)).all()
        self.found += [job_id for job_id, is_wanted in rows if is_wanted]
        self.has_ended = len(rows) < step
        if rows:
            self.before = rows[-1][0]


def _first_of_either(
    walks: Sequence[_Walk], session: Session, most: int
) -> tuple[list[str], str | None]:
    """Job ids found by the walk that is the first to fill a page or to end. If none does in all
    steps, those of the walk that came furthest, and the id it came to.

    Many jobs may have a label of which few are in a state, and the other way round, so they take
    turns: both together look through some times as many jobs as the better one alone would.
    """
    for step in _STEPS:
        for walk in walks:
            walk.go_on(session, step)
            if walk.has_ended or len(walk.found) >= most:
                return walk.found[:most], None
    furthest = min(walks, key=lambda walk: walk.before or "")
    return furthest.found, furthest.before
