"""Keeping the lists: one of each owner, one of each group, and one of everybody that
administrators write. A group's is kept under its id.

A change gives a list another version.  What it was before stays as long as a job that is not
completed was submitted with it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from shared import audit
from shared.audit import Act
from shared.db import Database
from shared.dialects import upsert
from shared.models import Job, JobGroupReplacements, Replacement, ReplacementList
from shared.states import JobStatus
from shared.text_folding import composed, fold
from shared.words.replacements.errors import ListFull, PairNotFound
from shared.words.replacements.pairs import MOST_PAIRS, Pair, checked_pair

EVERYBODY = "everybody"
"""Whom the list belongs to that holds for all; no account has this id."""

_MOST_REMOVED = MOST_PAIRS
"""Removed pairs of a list that are kept before those are looked for that no job needs."""

_CHUNK = 500
"""Rows named in one statement."""


@dataclass(frozen=True, slots=True)
class StoredPair:
    """A pair that stands, and what it is named by."""

    id: int
    pair: Pair


@dataclass(frozen=True, slots=True)
class PairPage:
    """Page of pairs, the newest first, and the cursor of the next page."""

    pairs: list[StoredPair]
    total: int
    """Pairs of the list, whatever was searched."""
    next_cursor: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """Change of a list: number of pairs added, changed ones among them, removed, and present
    now."""

    added: int
    removed: int
    total: int


def read_page(
    db: Database, owner_id: str, *, limit: int, query: str = "", cursor: int | None = None
) -> PairPage:
    """Pairs of a list, with `query` those that have it in one of their sides."""
    of_list = _not_removed(owner_id)
    wanted = select(Replacement).where(*of_list)
    if cursor is not None:
        wanted = wanted.where(Replacement.id < cursor)
    if query:
        wanted = wanted.where(
            or_(
                Replacement.key.contains(fold(query), autoescape=True),
                Replacement.right.icontains(composed(query), autoescape=True),
            )
        )
    with db.reading() as session:
        total = session.scalar(select(func.count()).select_from(Replacement).where(*of_list)) or 0
        rows = session.scalars(wanted.order_by(Replacement.id.desc()).limit(limit + 1)).all()
    shown = [StoredPair(row.id, Pair(row.wrong, row.right)) for row in rows[:limit]]
    return PairPage(shown, total, shown[-1].id if len(rows) > limit else None)


def read_all(db: Database, owner_id: str) -> list[Pair]:
    """The pairs of a list in the order in which they were added."""
    with db.reading() as session:
        rows = session.execute(
            select(Replacement.wrong, Replacement.right)
            .where(*_not_removed(owner_id))
            .order_by(Replacement.id)
        )
        return [Pair(*row) for row in rows]


def add(db: Database, owner_id: str, *, wrong: str, right: str) -> StoredPair:
    """Add a pair, in place of one with the same left side. A pair that stands already is left as
    it is. Raises UnusablePair or ListFull."""
    pair = checked_pair(wrong, right)
    with db.writing() as session:
        _put(session, owner_id, [pair], only=False)
        row_id = session.scalar(
            select(Replacement.id).where(*_not_removed(owner_id), Replacement.key == pair.key)
        )
        assert row_id is not None
        return StoredPair(row_id, pair)


def put(db: Database, owner_id: str, pairs: Sequence[Pair], *, only: bool) -> Change:
    """Add pairs as `add` does; with `only` all others are removed. Raises ListFull."""
    with db.writing() as session:
        return _put(session, owner_id, pairs, only=only)


def remove(db: Database, owner_id: str, pair_id: int) -> Pair:
    """Remove a pair, and return it. Raises PairNotFound."""
    if pair_id >= 2**63:  # more than a database counts to
        raise PairNotFound
    with db.writing() as session:
        group = audit.hold_group(session, owner_id)
        version = _next_version(session, owner_id)
        row = session.scalars(
            select(Replacement).where(*_not_removed(owner_id), Replacement.id == pair_id)
        ).one_or_none()
        if row is None:
            raise PairNotFound
        _remove(session, [row.id], version)
        _forget_unneeded(session, owner_id)
        _record(session, owner_id, group, added=0, removed=1)
        return Pair(row.wrong, row.right)


def end(session: Session, group_id: str) -> None:
    """Remove the list of a group that is deleted, but for pairs that a job which is not completed
    was submitted with: those stay until the last such job has ended (`ended_groups`)."""
    if session.get(ReplacementList, group_id) is None:
        return
    version = _next_version(session, group_id)
    _remove(
        session,
        session.scalars(select(Replacement.id).where(*_not_removed(group_id))).all(),
        version,
    )
    forget_list(session, group_id)


def forget_list(session: Session, group_id: str) -> None:
    """Delete what no job needs of the list of a deleted group, in which no pair stands any more,
    and the list with its last pair. The list is held."""
    _forget_unneeded(session, group_id, kept=0)
    of_list = exists().where(Replacement.owner_id == group_id)
    session.execute(
        delete(ReplacementList)
        .where(ReplacementList.owner_id == group_id, ~of_list)
        .execution_options(synchronize_session=False)
    )


_VERSIONS = (
    select(ReplacementList.owner_id, ReplacementList.version)
    .where(ReplacementList.owner_id.in_(bindparam("owners", expanding=True)))
    .order_by(ReplacementList.owner_id)
    .with_for_update(read=True)
)


def versions_now(session: Session, owner_id: str) -> tuple[int | None, int | None]:
    """The versions of an owner's and of everybody's list, for a job that this transaction stores;
    None for a list that never was. Nobody changes them until it ends."""
    rows = session.execute(_VERSIONS, {"owners": [owner_id, EVERYBODY]})
    found = {row.owner_id: row.version for row in rows}
    return found.get(owner_id), found.get(EVERYBODY)


def _put(session: Session, owner_id: str, pairs: Sequence[Pair], *, only: bool) -> Change:
    group = audit.hold_group(session, owner_id)
    version = _next_version(session, owner_id)
    present = {
        row.key: row
        for row in session.execute(
            select(Replacement.id, Replacement.key, Replacement.wrong, Replacement.right).where(
                *_not_removed(owner_id)
            )
        )
    }
    wanted = {pair.key: pair for pair in pairs}
    new = {
        key: pair
        for key, pair in wanted.items()
        if key not in present or (present[key].wrong, present[key].right) != pair
    }
    gone = [row.id for key, row in present.items() if key in new or (only and key not in wanted)]
    total = len(present) - len(gone) + len(new)
    if total > MOST_PAIRS:
        raise ListFull
    _remove(session, gone, version)
    if new:
        session.execute(
            insert(Replacement),
            [
                {"owner_id": owner_id, "key": key, "added": version, **pair._asdict()}
                for key, pair in new.items()
            ],
        )
    _forget_unneeded(session, owner_id)
    _record(session, owner_id, group, added=len(new), removed=len(gone))
    return Change(len(new), len(gone), total)


def _record(
    session: Session, owner_id: str, group: str | None, *, added: int, removed: int
) -> None:
    """Record a change of a group's list, or of everybody's; a pair that is written otherwise counts
    on both sides."""
    if not (added or removed):
        return
    if owner_id == EVERYBODY:
        audit.record(session, Act.PAIRS_CHANGED, added=added, removed=removed)
    else:
        act = Act.GROUP_PAIRS_CHANGED
        audit.record_of_group(session, act, owner_id, group, added=added, removed=removed)


def _not_removed(owner_id: str) -> tuple[ColumnElement[bool], ...]:
    return Replacement.owner_id == owner_id, Replacement.removed.is_(None)


def _next_version(session: Session, owner_id: str) -> int:
    """Hold the list until the transaction ends, and count a change of it."""
    version: int | None = session.scalar(
        upsert(session, ReplacementList)
        .values(owner_id=owner_id, version=1)
        .on_conflict_do_update(
            index_elements=[ReplacementList.owner_id],
            set_={"version": ReplacementList.version + 1},
        )
        .returning(ReplacementList.version)
    )
    assert version is not None
    return version


def _remove(session: Session, ids: Sequence[int], version: int) -> None:
    for start in range(0, len(ids), _CHUNK):
        session.execute(
            update(Replacement)
            .where(Replacement.id.in_(ids[start : start + _CHUNK]))
            .values(removed=version)
            .execution_options(synchronize_session=False)
        )


def _forget_unneeded(session: Session, owner_id: str, *, kept: int | None = None) -> None:
    """Delete removed pairs that no job needs any more, once there are more than `kept`, by default
    many."""
    removed = session.execute(
        select(Replacement.id, Replacement.added, Replacement.removed).where(
            Replacement.owner_id == owner_id, Replacement.removed.is_not(None)
        )
    ).all()
    if len(removed) <= (_MOST_REMOVED if kept is None else kept):
        return
    needed = _needed_versions(session, owner_id)
    unneeded = [row.id for row in removed if not _is_needed(row.added, row.removed, needed)]
    for start in range(0, len(unneeded), _CHUNK):
        session.execute(
            delete(Replacement)
            .where(Replacement.id.in_(unneeded[start : start + _CHUNK]))
            .execution_options(synchronize_session=False)
        )


def _needed_versions(session: Session, owner_id: str) -> list[int]:
    """The versions that jobs were submitted with whose transcript is not stored yet, in order."""
    is_unfinished = Job.status != JobStatus.COMPLETED
    if owner_id == EVERYBODY:
        needed: list[Select[Any]] = [select(Job.shared_replacements_version).where(is_unfinished)]
    else:
        needed = [
            select(Job.replacements_version).where(Job.owner_id == owner_id, is_unfinished),
            select(JobGroupReplacements.version)
            .join(Job, Job.id == JobGroupReplacements.job_id)
            .where(JobGroupReplacements.group_id == owner_id, is_unfinished),
        ]
    found = {version for one in needed for version in session.scalars(one.distinct())}
    return sorted(version for version in found if version is not None)


def _is_needed(added: int, removed: int, needed: Sequence[int]) -> bool:
    """Return whether a pair stood in one of the versions, which are in order."""
    at = bisect_left(needed, added)
    return at < len(needed) and needed[at] < removed
