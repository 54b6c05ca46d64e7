"""Remains of the lists of deleted groups, kept for jobs that were submitted with them: they go with
the last of these that is completed or deleted."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.models import Group, JobGroupReplacements, ReplacementList
from shared.words.replacements.lists import forget_list


def hold_ended(session: Session, job_ids: Collection[str]) -> list[str]:
    """Deleted groups with whose lists these jobs were submitted, to be read before the jobs are
    deleted and once they are held.

    These lists are held from here on: of the last two jobs that end at once, each would else take
    the other for one that is left.  So are the groups that stand: one that is being deleted at this
    moment either finds these jobs ended, or is waited for and found gone.
    """
    kept = JobGroupReplacements
    given = select(kept.group_id).where(kept.job_id.in_(job_ids)).distinct()
    group_ids = set(session.scalars(given))
    if not group_ids:
        return []
    existing = session.scalars(
        select(Group.id)
        .where(Group.id.in_(group_ids))
        .order_by(Group.id)
        .with_for_update(read=True, key_share=True)
    ).all()
    ended = group_ids - set(existing)
    if not ended:
        return []
    return list(
        session.scalars(
            select(ReplacementList.owner_id)
            .where(ReplacementList.owner_id.in_(ended))
            .order_by(ReplacementList.owner_id)
            .with_for_update()
        )
    )


def drop_ended(session: Session, group_ids: Collection[str]) -> None:
    """Delete what no job needs any more of the lists that `hold_ended` gave."""
    for group_id in group_ids:
        forget_list(session, group_id)
