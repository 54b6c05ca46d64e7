"""The words that are kept for all jobs: an owner's list, a group's, which is kept under its id, and
everybody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared import audit
from shared.audit import Act
from shared.db import Database, database_now
from shared.dialects import upsert
from shared.models import HotwordList, HotwordSet
from shared.words.groups import may_be_in_groups, of_groups
from shared.words.hotwords.bounds import MOST_WORDS
from shared.words.hotwords.errors import HotwordListChanged
from shared.words.hotwords.sets import drop_unused, lock_sets, store_set, words_of_sets

EVERYBODY = "everybody"
"""Stands for an owner's id: the list that an administrator keeps for all."""


@dataclass(frozen=True, slots=True)
class WordList:
    """A list as it is now."""

    words: tuple[str, ...] = ()
    revision: str = ""
    """Names this state of the list; '' for the empty one."""
    changed_at: datetime | None = None
    editor_id: str | None = None


def read_list(db: Database, owner_id: str) -> WordList:
    """An owner's list, a group's or everybody's; the empty one where there is none."""
    with db.reading() as session:
        return _read(session, owner_id)


def list_sizes(db: Database, *owner_ids: str) -> dict[str, int]:
    """Number of words in each list, by its owner."""
    with db.reading() as session:
        rows = session.execute(
            select(HotwordList.owner_id, HotwordSet.size)
            .join(HotwordSet, HotwordSet.digest == HotwordList.digest)
            .where(HotwordList.owner_id.in_(owner_ids))
        )
        return {row.owner_id: row.size for row in rows}


def group_words(db: Database, owner_id: str) -> int:
    """Number of words in the lists of an owner's groups, each counted once."""
    with db.reading() as session:
        sets = [digest for digest, _size in group_sets(session, owner_id)]
        return len({word for words in words_of_sets(session, sets).values() for word in words})


def group_sets(session: Session, owner_id: str) -> list[tuple[str, int]]:
    """The digest and the size of the lists of an owner's groups, by the groups' names."""
    if not may_be_in_groups(owner_id):
        return []
    lists = select(HotwordSet.digest, HotwordSet.size).join(
        HotwordList, HotwordList.digest == HotwordSet.digest
    )
    rows = session.execute(of_groups(lists, HotwordList.owner_id, owner_id))
    return [(digest, size) for digest, size in rows]


def replace_list(
    db: Database,
    owner_id: str,
    words: Sequence[str],
    *,
    editor_id: str,
    revision: str | None = None,
) -> WordList:
    """Put cleaned words in place of a list; none of them ends it. Jobs keep what they were given.

    `revision` is that of the list which the change was made from; None replaces any.  Raises
    HotwordListChanged where it is another by now.
    """
    with db.writing() as session:
        group = audit.hold_group(session, owner_id)  # before the sets, whose lock is the last
        lock_sets(session)
        before = session.scalar(select(HotwordList.digest).where(HotwordList.owner_id == owner_id))
        if revision is not None and revision != (before or ""):
            raise HotwordListChanged(param="revision")
        if group is not None or owner_id == EVERYBODY:
            _record(session, owner_id, group, _read(session, owner_id).words, words)
        if words:
            told = {
                "digest": store_set(session, words),
                "editor_id": editor_id,
                "changed_at": database_now(),
            }
            session.execute(
                upsert(session, HotwordList)
                .values(owner_id=owner_id, **told)
                .on_conflict_do_update(index_elements=[HotwordList.owner_id], set_=told)
            )
        else:
            session.execute(delete(HotwordList).where(HotwordList.owner_id == owner_id))
        if before is not None:
            drop_unused(session, [before])
        return _read(session, owner_id)


def _record(
    session: Session,
    owner_id: str,
    group: str | None,
    before: Sequence[str],
    now: Sequence[str],
) -> None:
    """Record a change of a group's list, or of everybody's."""
    added, removed = len({*now} - {*before}), len({*before} - {*now})
    if not (added or removed):
        return
    if owner_id == EVERYBODY:
        audit.record(session, Act.HOTWORDS_CHANGED, added=added, removed=removed)
    else:
        act = Act.GROUP_HOTWORDS_CHANGED
        audit.record_of_group(session, act, owner_id, group, added=added, removed=removed)


def end_list(session: Session, group_id: str) -> None:
    """Remove the list of a group that is deleted. Takes the lock on the sets."""
    lock_sets(session)
    ended = session.scalar(
        delete(HotwordList)
        .where(HotwordList.owner_id == group_id)
        .returning(HotwordList.digest)
        .execution_options(synchronize_session=False)
    )
    if ended is not None:
        drop_unused(session, [ended])


def move_list(session: Session, from_owner: str, to_owner: str) -> None:
    """Give the words of one owner's list to another's, which keeps all of its own and takes as many
    of the first's as a list has room for.  Jobs keep what they were given."""
    lock_sets(session)
    given, kept = _read(session, from_owner), _read(session, to_owner)
    if not given.words:
        return
    new = [word for word in given.words if word not in kept.words]
    words = sorted([*kept.words, *new[: MOST_WORDS - len(kept.words)]])
    session.execute(delete(HotwordList).where(HotwordList.owner_id.in_((from_owner, to_owner))))
    session.add(
        HotwordList(
            owner_id=to_owner,
            digest=store_set(session, words),
            editor_id=kept.editor_id or given.editor_id,
        )
    )
    session.flush()
    drop_unused(session, [given.revision, *filter(None, [kept.revision])])


def _read(session: Session, owner_id: str) -> WordList:
    row = session.execute(
        select(HotwordSet.words, HotwordSet.digest, HotwordList.changed_at, HotwordList.editor_id)
        .join(HotwordSet, HotwordSet.digest == HotwordList.digest)
        .where(HotwordList.owner_id == owner_id)
    ).one_or_none()
    if row is None:
        return WordList()
    return WordList(tuple(row.words), row.digest, row.changed_at, row.editor_id)
