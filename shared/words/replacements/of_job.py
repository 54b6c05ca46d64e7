"""The replacements of a job: those of the lists as they stood when it was submitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from shared.models import Job, Replacement
from shared.words.replacements.lists import EVERYBODY, versions_now
from shared.words.replacements.matching import Replacements
from shared.words.replacements.pairs import Pair

OPTION = "replacements"
"""The key in a job's options. It is there where no list is to be applied."""

OFF = "off"


def wants_replacements(options: Mapping[str, Any]) -> bool:
    """Whether a job's options have lists applied. Raises ValueError."""
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


def replacements_of(session: Session, job_id: str) -> Replacements:
    """The pairs of a job's lists; its owner's count more than everybody's.

    One statement reads the job with its pairs, for both may be handed over at any moment.
    """
    pairs = union_all(
        _pairs_at(job_id, literal(EVERYBODY), Job.shared_replacements_version, rank=1),
        _pairs_at(job_id, Job.owner_id, Job.replacements_version, rank=2),
    ).order_by("rank")
    rows = session.execute(pairs)
    return Replacements(Pair(row.wrong, row.right) for row in rows)


def _pairs_at(
    job_id: str,
    owner: ColumnElement[str] | InstrumentedAttribute[str],
    version: InstrumentedAttribute[int | None],
    *,
    rank: int,
) -> Select[int, str, str]:
    """The pairs of a list as it stood with a job's version; none where that is null."""
    stood = or_(Replacement.removed.is_(None), Replacement.removed > version)
    return (
        select(literal(rank).label("rank"), Replacement.wrong, Replacement.right)
        .join_from(Job, Replacement, Replacement.owner_id == owner)
        .where(Job.id == job_id, Replacement.added <= version, stood)
    )
