"""The words that a job is given: fixed when it is submitted, so that whatever is changed of the
lists later, a retry gives the same text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from shared.models import HotwordList, HotwordSet, JobHotwords
from shared.words.hotwords.bounds import MOST_WORDS
from shared.words.hotwords.lists import EVERYBODY
from shared.words.hotwords.sets import lock_sets, store_set, words_of_sets

OPTION = "hotwords"
"""The key in a job's options: the digest of the words that were named with it, so that another
request with the same Idempotency-Key is known for another."""

LISTS_OPTION = "hotword_lists"
"""The key in a job's options: False where it is not to have the words of the lists."""


@dataclass(frozen=True, slots=True)
class GivenWords:
    """What a job was given, and what became of it."""

    named: tuple[str, ...] = ()
    """Words that came with the job."""
    own: tuple[str, ...] = ()
    """Words of its owner's list."""
    everybodys: tuple[str, ...] = ()
    left_out: int = 0
    """Words of the lists beyond the most that a job takes."""
    passed: bool | None = None
    """Whether the model was given them; None until an attempt began."""
    found: list[tuple[str, int]] | None = field(default=None)
    """Some of those that stand in the text, and how often; None until there is one."""
    found_size: int = 0
    """How many stand there."""

    @property
    def words(self) -> tuple[str, ...]:
        """All of them, sorted, each once."""
        return tuple(sorted({*self.named, *self.own, *self.everybodys}))


def wants_lists(options: Mapping[str, Any]) -> bool:
    """Whether a job is to have the words of the lists."""
    return options.get(LISTS_OPTION, True) is not False


def attach(
    session: Session, job_id: str, owner_id: str, named: Sequence[str], *, with_lists: bool
) -> None:
    """Give a new job the words that were named with it and, with the lists, those of its owner and
    everybody's as they are now.  Of more than a job takes, words of the lists are left out, those
    of everybody's first.

    Takes the lock on the sets if there are any words.
    """
    if not named and not (with_lists and _lists(session, owner_id)):
        return
    lock_sets(session)
    lists = _lists(session, owner_id) if with_lists else {}
    row: dict[str, Any] = {"job_id": job_id, "left_out": 0}
    room = MOST_WORDS
    if named:
        row["named"] = store_set(session, named)
        room -= len(named)
    for column, keeper in (("own", owner_id), ("everybodys", EVERYBODY)):
        digest, size = lists.get(keeper, (None, 0))
        if digest is not None and size > room:
            row["left_out"] += size - room
            kept = words_of_sets(session, [digest])[digest][:room]
            digest = store_set(session, kept) if kept else None
        row[column] = digest
        room -= min(size, room)
    session.execute(insert(JobHotwords).values(row))


def given_words(session: Session, job_id: str) -> GivenWords | None:
    """What a job was given; None if no words."""
    row = session.execute(
        select(
            JobHotwords.named,
            JobHotwords.own,
            JobHotwords.everybodys,
            JobHotwords.left_out,
            JobHotwords.passed,
            JobHotwords.found,
            JobHotwords.found_size,
        ).where(JobHotwords.job_id == job_id)
    ).one_or_none()
    if row is None:
        return None
    digests = {digest for digest in (row.named, row.own, row.everybodys) if digest is not None}
    words = words_of_sets(session, digests)
    return GivenWords(
        named=words.get(row.named, ()),
        own=words.get(row.own, ()),
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


def _lists(session: Session, owner_id: str) -> dict[str, tuple[str, int]]:
    """The digest and the size of the lists that there are, by whose they are."""
    rows = session.execute(
        select(HotwordList.owner_id, HotwordSet.digest, HotwordSet.size)
        .join(HotwordSet, HotwordSet.digest == HotwordList.digest)
        .where(HotwordList.owner_id.in_([owner_id, EVERYBODY]))
    )
    return {keeper: (digest, size) for keeper, digest, size in rows}
