"""The entries of the search index, filled behind the writers.

Triggers mark an entry as behind in the transaction that writes its name, text or owner.  Workers
bring entries up to date in their sweeps; until then a search compares those that are behind one by
one, so it never finds less.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Row, delete, exists, func, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared.annotations.labels import LabelKind, gram_of_label, label_key
from shared.db import Database, is_unavailable
from shared.models import Job, Recording, SearchEntry, SearchText
from shared.search.grams import gram_of_owner, grams_of
from shared.search.index import index_of
from shared.text_folding import fold

log = structlog.stdlib.get_logger(__name__)

_BATCH = 200
_BATCH_S = 0.1
"""Entries, and seconds after which no further one is begun, in one transaction: on SQLite nobody
else writes meanwhile, and one of ten hours takes a fifth of a second."""

_SAMPLE = 50
"""Entries whose grams a check looks for in the index."""


@dataclass(frozen=True, slots=True)
class IndexState:
    """State of the search index for an installation's jobs."""

    jobs: int
    behind: int
    """Jobs that a search compares one by one until a worker has indexed them."""
    missing: int
    """Jobs without an entry, which no search finds: rows that were made with triggers disabled."""
    wrong: int
    """Jobs of a sample of indexed ones that the index does not name for their own grams."""


def catch_up(db: Database, *, within_s: float) -> int:
    """Index jobs that are behind, the newest first, for about `within_s` seconds, a transaction of
    a tenth at a time. Returns how many; 0 if none is left that nobody else is at."""
    until = time.monotonic() + within_s
    count = 0
    while True:
        with db.reading() as session:  # SQLite has one writer: it is not asked for nothing
            if not session.scalar(select(exists().where(~SearchEntry.indexed))):
                return count
        with db.writing() as session:
            indexed = _catch_up(session)
        count += indexed
        if not indexed or time.monotonic() >= until:
            return count


def _catch_up(session: Session) -> int:
    until = time.monotonic() + _BATCH_S
    numbers = session.scalars(
        select(SearchEntry.number)
        .where(~SearchEntry.indexed)
        .order_by(SearchEntry.number.desc())
        .limit(_BATCH)
        # Whoever writes a text holds its entry until the commit: it is indexed after that.
        .with_for_update(skip_locked=True)
    ).all()
    index = index_of(session)
    done: list[int] = []
    for number in numbers:
        if done and time.monotonic() >= until:
            break
        row = _read(session, SearchEntry.number == number)
        if row is not None:
            index.put(session, number, _grams(row))
        done.append(number)
    if done:
        session.execute(
            update(SearchEntry)
            .where(SearchEntry.number.in_(done))
            .values(indexed=True)
            .execution_options(synchronize_session=False)
        )
    return len(done)


def forget(session: Session, job_ids: Collection[str]) -> None:
    """Take jobs out of the index, in the transaction that deletes them and before it does.

    Of one that is behind nothing says what the index has; that names no job any more.
    """
    index = index_of(session)
    if index.goes_with_rows:
        return
    indexed = select(SearchEntry.number).where(SearchEntry.job_id.in_(job_ids), SearchEntry.indexed)
    for number in session.scalars(indexed).all():
        row = _read(session, SearchEntry.number == number)
        if row is not None:
            index.remove(session, number, _grams(row))


def state(db: Database) -> IndexState:
    """Count what is indexed, and look for the grams of some in the index."""
    with db.reading() as session:
        counted = select(func.count()).select_from
        jobs = session.scalar(counted(Job)) or 0
        entries = session.scalar(counted(SearchEntry)) or 0
        behind = session.scalar(counted(SearchEntry).where(~SearchEntry.indexed)) or 0
        return IndexState(
            jobs=jobs,
            behind=behind,
            missing=jobs - entries,
            wrong=sum(not _is_found(session, row) for row in _sample(session)),
        )


def _sample(session: Session) -> list[Row[Any]]:
    """Read some indexed entries, spread over all."""
    first, last = session.execute(
        select(func.min(SearchEntry.number), func.max(SearchEntry.number))
    ).one()
    step = max(1, ((last or 0) - (first or 0)) // _SAMPLE)
    found = {}
    for least in range(first or 0, (last or -1) + 1, step):
        number = session.scalar(
            select(SearchEntry.number)
            .where(SearchEntry.number >= least, SearchEntry.indexed)
            .order_by(SearchEntry.number)
            .limit(1)
        )
        row = _read(session, SearchEntry.number == number)
        if row is not None:
            found[row.number] = row
    return list(found.values())


def _is_found(session: Session, row: Row[Any]) -> bool:
    grams = sorted(_grams(row))
    some = grams[:: max(1, len(grams) // 8)]
    found = index_of(session).candidates(session, some, below=row.number + 1, most=1)
    return found == [row.number]


def rebuild(db: Database) -> None:
    """Empty the index and mark every job as behind, with new entries in order of submission.

    Searches compare all texts until `catch_up` is done.
    """
    with db.writing() as session:
        index_of(session).clear(session)
        session.execute(delete(SearchEntry).execution_options(synchronize_session=False))
        without = select(Job.id).where(~exists().where(SearchEntry.job_id == Job.id))
        session.execute(
            insert(SearchEntry).from_select(
                # Held, or one that is deleted meanwhile would fail all of them.
                ["job_id"],
                without.order_by(Job.id).with_for_update(read=True, key_share=True),
                include_defaults=False,
            )
        )


def _read(session: Session, which: ColumnElement[bool]) -> Row[Any] | None:
    """Texts of one entry that are searched. None if there is none, or what is stored cannot be
    read, a name that is no UTF-8 for instance: no search finds that by its words, and it holds up
    no other.
    """
    try:
        return session.execute(_searched().where(which)).one_or_none()
    except (DBAPIError, ValueError) as error:
        if is_unavailable(error):
            raise
        log.warning("a job's name or text cannot be read; it is not searched", error=str(error))
        return None


def _searched() -> Any:
    return (
        select(
            SearchEntry.number,
            Job.owner_id,
            Recording.filename,
            Recording.folded_name,
            Recording.folded_details,
            Recording.people,
            Recording.tags,
            SearchText.folded,
        )
        .join(Job, Job.id == SearchEntry.job_id)
        .join(Recording, Recording.id == Job.recording_id)
        .outerjoin(SearchText, SearchText.job_id == Job.id)
    )


def _grams(row: Row[Any]) -> set[int]:
    if row.folded_name is None:  # of an old version: the database makes its letters small
        names = [fold(row.filename), row.filename.lower()]
    else:
        names = [row.folded_name]
    texts = [*names, row.folded_details or "", row.folded or ""]
    return grams_of(texts) | _label_grams(row) | {gram_of_owner(row.owner_id)}


def _label_grams(row: Row[Any]) -> set[int]:
    given = ((LabelKind.PERSON, row.people), (LabelKind.TAG, row.tags))
    return {
        gram_of_label(label_key(kind, name))
        for kind, names in given
        if isinstance(names, list)
        for name in names
        if isinstance(name, str)
    }
