"""Which of an owner's jobs are on a page, whatever the number of those that are not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Select, select, union_all

from shared.annotations.labels import LabelKey, select_labelled
from shared.models import Job
from shared.states import JobStatus


def select_page_ids(
    owner_id: Any,
    statuses: Collection[JobStatus],
    cursor: Any | None,
    most: Any,
    labels: Sequence[LabelKey] = (),
) -> Select[Any]:
    """Select the ids of the newest jobs of an owner, those in one of `statuses` if any is named,
    with all of `labels`, and before `cursor` unless it is None."""
    if labels:
        return select_labelled(owner_id, labels, statuses=statuses, cursor=cursor, most=most)

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
