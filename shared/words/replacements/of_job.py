"""The replacements of a job: those of the lists as they stood when it was submitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.models import Job
from shared.words.replacements.lists import EVERYBODY, pairs_at, versions_now
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
    """The pairs of a job's lists; its owner's count more than everybody's."""
    row = session.execute(
        select(Job.owner_id, Job.replacements_version, Job.shared_replacements_version).where(
            Job.id == job_id
        )
    ).one_or_none()
    pairs: list[Pair] = []
    if row is not None:
        if row.shared_replacements_version is not None:
            pairs += pairs_at(session, EVERYBODY, row.shared_replacements_version)
        if row.replacements_version is not None:
            pairs += pairs_at(session, row.owner_id, row.replacements_version)
    return Replacements(pairs)
