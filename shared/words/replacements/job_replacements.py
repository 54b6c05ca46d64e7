"""The replacements of a job: those of the lists as they stood when it was submitted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    bindparam,
    exists,
    insert,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.models import Job, JobGroupReplacements, Replacement, ReplacementList
from shared.words.groups import MOST_LISTS, may_be_in_groups, of_groups
from shared.words.replacements.lists import EVERYBODY, versions_now
from shared.words.replacements.matching import Replacements
from shared.words.replacements.pairs import Pair

OPTION = "replacements"
"""The key in a job's options. It is there where no list is to be applied."""

OFF = "off"


def wants_replacements(options: Mapping[str, Any]) -> bool:
    """Return whether a job's options ask for the lists to be applied. Raises ValueError."""
    if options.get(OPTION, "on") not in ("on", OFF):
        raise ValueError(f"{OPTION}: {options[OPTION]!r} is neither 'on' nor 'off'")
    return options.get(OPTION) != OFF


def versions_for(
    session: Session, owner_id: str, options: Mapping[str, Any]
) -> dict[str, int | None]:
    """The columns of a job that this transaction stores, by which it keeps its lists."""
    if options.get(OPTION) == OFF:
        return {}
    own, shared = versions_now(session, owner_id)
    return {"replacements_version": own, "shared_replacements_version": shared}


def keep_group_lists(
    session: Session, job_id: str, owner_id: str, options: Mapping[str, Any]
) -> None:
    """Note with a new job the lists of its owner's groups as they stand now. Nobody changes them
    until this transaction ends."""
    if options.get(OPTION) == OFF or not may_be_in_groups(owner_id):
        return
    has_pairs = exists().where(
        Replacement.owner_id == ReplacementList.owner_id, Replacement.removed.is_(None)
    )
    lists = select(ReplacementList.owner_id, ReplacementList.version).where(has_pairs)
    found = session.execute(
        of_groups(lists, ReplacementList.owner_id, owner_id).with_for_update(
            read=True, of=ReplacementList
        )
    ).all()
    if found:
        session.execute(
            insert(JobGroupReplacements),
            [
                {"job_id": job_id, "group_id": group_id, "version": version, "rank": rank}
                for rank, (group_id, version) in enumerate(reversed(found), start=1)
            ],
        )


def replacements_of(session: Session, job_id: str) -> Replacements:
    """The pairs of a job's lists: its owner's count more than those of the owner's groups, of which
    the first by name counts most, and these more than everybody's.

    One statement reads the job with its pairs, for both may be handed over at any moment.
    """
    rows = session.execute(_pairs(), {"job": job_id})
    return Replacements(Pair(row.wrong, row.right) for row in rows)


@cache
def _pairs() -> CompoundSelect[int, str, str]:
    """Query for the pairs of all lists of the job `:job`."""
    return union_all(
        _pairs_at(literal(EVERYBODY), Job.shared_replacements_version, rank=0),
        _pairs_of_groups(),
        _pairs_at(Job.owner_id, Job.replacements_version, rank=MOST_LISTS + 1),
    ).order_by("rank")


def _pairs_at(
    owner: ColumnElement[str] | InstrumentedAttribute[str],
    version: InstrumentedAttribute[int | None],
    *,
    rank: int,
) -> Select[int, str, str]:
    """The pairs of a list as it stood with a job's version; none where that is null."""
    return (
        select(literal(rank).label("rank"), Replacement.wrong, Replacement.right)
        .join_from(Job, Replacement, Replacement.owner_id == owner)
        .where(Job.id == bindparam("job"), *_stood(version))
    )


def _pairs_of_groups() -> Select[int, str, str]:
    """Query for the pairs of the lists of the groups, with their ranks."""
    kept = JobGroupReplacements
    return (
        select(kept.rank.label("rank"), Replacement.wrong, Replacement.right)
        .join_from(kept, Replacement, Replacement.owner_id == kept.group_id)
        .where(kept.job_id == bindparam("job"), *_stood(kept.version))
    )


def _stood(
    version: InstrumentedAttribute[int | None] | InstrumentedAttribute[int],
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Conditions that a pair was in its list in this version of it."""
    later = or_(Replacement.removed.is_(None), Replacement.removed > version)
    return Replacement.added <= version, later
