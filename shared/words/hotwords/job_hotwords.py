"""The words that a job is given: fixed when it is submitted, so that whatever is changed of the
lists later, a retry gives the same text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Session

from shared.models import HotwordList, HotwordSet, JobGroupHotwords, JobHotwords
from shared.words.hotwords.bounds import MOST_WORDS
from shared.words.hotwords.lists import EVERYBODY, group_sets
from shared.words.hotwords.sets import lock_sets, store_set, words_of_sets

OPTION = "hotwords"
"""The key in a job's options: the digest of the words that were named with it, so that another
request with the same Idempotency-Key is known for another."""

LISTS_OPTION = "hotword_lists"
"""The key in a job's options: False where it is not to have the words of the lists."""

_OF_GROUPS = "of_groups"

_LISTS = (
    select(HotwordList.owner_id, HotwordSet.digest, HotwordSet.size)
    .join(HotwordSet, HotwordSet.digest == HotwordList.digest)
    .where(HotwordList.owner_id.in_(bindparam("owners", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class GivenWords:
    """Hotwords given to a job, and the result of recognising with them."""

    named: tuple[str, ...] = ()
    """Words that came with the job."""
    own: tuple[str, ...] = ()
    """Words of its owner's list."""
    groups: tuple[str, ...] = ()
    """Words of the lists of the groups that its owner was in."""
    everybodys: tuple[str, ...] = ()
    left_out: int = 0
    """Words of the lists beyond the most that a job takes."""
    passed: bool | None = None
    """True if the model was given them; None until an attempt began."""
    found: list[tuple[str, int]] | None = field(default=None)
    """Words that stand in the text, some of them, and the number of times; None until there is a
    text."""
    found_size: int = 0
    """Number of words that stand in the text."""

    @property
    def words(self) -> tuple[str, ...]:
        """Words of all sources, sorted, each once."""
        return tuple(sorted({*self.named, *self.own, *self.groups, *self.everybodys}))


def wants_lists(options: Mapping[str, Any]) -> bool:
    """Return whether a job takes the words of the lists."""
    return options.get(LISTS_OPTION, True) is not False


def attach(
    session: Session, job_id: str, owner_id: str, named: Sequence[str], *, with_lists: bool
) -> None:
    """Give a new job the words that were named with it and, with the lists, those of its owner, of
    the owner's groups and everybody's as they are now.  Of more than a job takes, words of the
    lists are left out, those of everybody's first and those of its owner's last.

    Takes the lock on the sets if there are any words.
    """
    if not named and not (with_lists and any(_lists(session, owner_id).values())):
        return
    lock_sets(session)
    row: dict[str, Any] = {"job_id": job_id, "left_out": 0}
    room = MOST_WORDS
    if named:
        row["named"] = store_set(session, named)
        room -= len(named)
    for column, sets in (_lists(session, owner_id) if with_lists else {}).items():
        row[column], size, left_out = _fitting(session, sets, room)
        row["left_out"] += left_out
        room -= size
    of_groups = row.pop(_OF_GROUPS, None)
    session.execute(insert(JobHotwords).values(row))
    if of_groups is not None:
        session.execute(insert(JobGroupHotwords).values(job_id=job_id, digest=of_groups))


def _fitting(
    session: Session, sets: Sequence[tuple[str, int]], room: int
) -> tuple[str | None, int, int]:
    """Join sets into one of at most `room` words: its digest, None for none, how many words it has
    and how many were left out. The lock is held."""
    if len(sets) == 1 and sets[0][1] <= room:
        return *sets[0], 0
    found = words_of_sets(session, [digest for digest, _size in sets])
    words = sorted({word for one in found.values() for word in one})
    kept = words[:room]
    return store_set(session, kept) if kept else None, len(kept), len(words) - len(kept)


def given_words(session: Session, job_id: str) -> GivenWords | None:
    """Words given to a job; None if none."""
    row = session.execute(
        select(
            JobHotwords.named,
            JobHotwords.own,
            JobHotwords.everybodys,
            JobGroupHotwords.digest.label("of_groups"),
            JobHotwords.left_out,
            JobHotwords.passed,
            JobHotwords.found,
            JobHotwords.found_size,
        )
        .outerjoin(JobGroupHotwords, JobGroupHotwords.job_id == JobHotwords.job_id)
        .where(JobHotwords.job_id == job_id)
    ).one_or_none()
    if row is None:
        return None
    digests = (row.named, row.own, row.of_groups, row.everybodys)
    words = words_of_sets(session, {digest for digest in digests if digest is not None})
    return GivenWords(
        named=words.get(row.named, ()),
        own=words.get(row.own, ()),
        groups=words.get(row.of_groups, ()),
        everybodys=words.get(row.everybodys, ()),
        left_out=row.left_out,
        passed=row.passed,
        found=None if row.found is None else _pairs(row.found),
        found_size=row.found_size or 0,
    )


def _pairs(stored: object) -> list[tuple[str, int]]:
    """Words and how often, as far as what is stored can be read."""
    pairs = stored if isinstance(stored, list) else ()
    return [
        (pair[0], pair[1])
        for pair in pairs
        if isinstance(pair, list) and [type(part) for part in pair] == [str, int]
    ]


def _lists(session: Session, owner_id: str) -> dict[str, list[tuple[str, int]]]:
    """The digest and the size of the sets of each kind of list, in the order in which they are
    given room."""
    rows = session.execute(_LISTS, {"owners": [owner_id, EVERYBODY]})
    sets = {keeper: [(digest, size)] for keeper, digest, size in rows}
    return {
        "own": sets.get(owner_id, []),
        _OF_GROUPS: group_sets(session, owner_id),
        "everybodys": sets.get(EVERYBODY, []),
    }
