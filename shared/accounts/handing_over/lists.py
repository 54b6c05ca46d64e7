"""Lists of replacements that go to another owner, with what they were before."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from shared.models import MOST_PAIRS, Base, Job, Replacement, ReplacementList


def move_replacements(session: Session, from_owner: str, to_owner: str) -> None:
    """Give the pairs of one owner's list to another, before the jobs are given.

    Where both have a list, the versions of the first come behind those of the second, so that the
    jobs of either keep the pairs that they were submitted with.  After these both stand together,
    but of pairs with the same left side the second's only, and the oldest of the first's not where
    a list has no room for them.
    """
    versions = _held_versions(session, from_owner, to_owner)
    if from_owner not in versions:
        return
    if to_owner in versions:
        _put_behind(session, from_owner, to_owner, versions)
    else:
        _set(session, ReplacementList, ReplacementList.owner_id == from_owner, owner_id=to_owner)
    _set(session, Replacement, Replacement.owner_id == from_owner, owner_id=to_owner)


def _held_versions(session: Session, *owner_ids: str) -> dict[str, int]:
    """The versions of the owners' lists, which nobody changes until this transaction ends."""
    rows = session.execute(
        select(ReplacementList.owner_id, ReplacementList.version)
        .where(ReplacementList.owner_id.in_(owner_ids))
        .order_by(ReplacementList.owner_id)
        .with_for_update()
    )
    return {row.owner_id: row.version for row in rows}


def _put_behind(session: Session, from_owner: str, to_owner: str, versions: dict[str, int]) -> None:
    behind = versions[to_owner]
    both = behind + versions[from_owner] + 1
    """The version in which both lists stand."""
    _interrupt(session, to_owner, behind + 1, both)
    of_first = Replacement.owner_id == from_owner
    _set(
        session,
        Replacement,
        of_first,
        added=Replacement.added + behind,
        removed=Replacement.removed + behind,
    )
    _leave_out(session, from_owner, to_owner, both)
    _set(
        session,
        Job,
        Job.owner_id == from_owner,
        replacements_version=Job.replacements_version + behind,
    )
    session.execute(delete(ReplacementList).where(ReplacementList.owner_id == from_owner))
    _set(session, ReplacementList, ReplacementList.owner_id == to_owner, version=both)


def _interrupt(session: Session, owner_id: str, removed: int, added: int) -> None:
    """Let the pairs that stand not stand from one version until before another."""
    _set(session, Replacement, *_not_removed(owner_id), removed=removed)
    again = select(
        Replacement.owner_id, Replacement.key, Replacement.wrong, Replacement.right, literal(added)
    ).where(Replacement.owner_id == owner_id, Replacement.removed == removed)
    columns = ["owner_id", "key", "wrong", "right", "added"]
    session.execute(insert(Replacement).from_select(columns, again.order_by(Replacement.id)))


def _leave_out(session: Session, from_owner: str, to_owner: str, version: int) -> None:
    """Remove what cannot stand beside the list of the new owner."""
    of_second = select(Replacement.key).where(*_not_removed(to_owner))
    stand = _not_removed(from_owner)
    _set(session, Replacement, *stand, Replacement.key.in_(of_second), removed=version)
    size = session.scalar(select(func.count()).select_from(of_second.subquery())) or 0
    newest_beyond = session.scalar(
        select(Replacement.id)
        .where(*stand)
        .order_by(Replacement.id.desc())
        .offset(max(0, MOST_PAIRS - size))
        .limit(1)
    )
    if newest_beyond is not None:
        _set(session, Replacement, *stand, Replacement.id <= newest_beyond, removed=version)


def _not_removed(owner_id: str) -> tuple[ColumnElement[bool], ...]:
    return Replacement.owner_id == owner_id, Replacement.removed.is_(None)


def _set(session: Session, table: type[Base], *where: ColumnElement[bool], **values: Any) -> None:
    session.execute(
        update(table).where(*where).values(**values).execution_options(synchronize_session=False)
    )
