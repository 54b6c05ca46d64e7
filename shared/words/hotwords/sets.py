"""Sets of words, each stored once whoever gives it, by the digest of what it holds.

Whoever writes a row that names a set, or removes one, holds the lock from before it reads until
its transaction ends, so that no set goes while another begins to name it.  It is the last lock that
any transaction takes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from shared.dialects import hold_lock, upsert
from shared.models import HotwordList, HotwordSet, JobGroupHotwords, JobHotwords

_LOCK = 0x6C6F6E67_686F7477
"""The key of PostgreSQL's lock, ours alone in the database."""

_NAMED_BY = (
    HotwordList.digest,
    JobHotwords.named,
    JobHotwords.own,
    JobHotwords.everybodys,
    JobGroupHotwords.digest,
)


def lock_sets(session: Session) -> None:
    """Keep other transactions from naming or removing sets until this one ends."""
    hold_lock(session, _LOCK)


def digest_of(words: Sequence[str]) -> str:
    """The digest of cleaned words."""
    return hashlib.sha256(json.dumps(list(words)).encode()).hexdigest()


def store_set(session: Session, words: Sequence[str]) -> str:
    """Store cleaned words unless they are, and return their digest. The lock is held."""
    digest = digest_of(words)
    session.execute(
        upsert(session, HotwordSet)
        .values(digest=digest, size=len(words), words=list(words))
        .on_conflict_do_nothing()
    )
    return digest


def words_of_sets(session: Session, digests: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The words of each set, by its digest."""
    rows = session.execute(
        select(HotwordSet.digest, HotwordSet.words).where(HotwordSet.digest.in_(digests))
    )
    return {digest: tuple(filter(_is_text, words)) for digest, words in rows}


def _is_text(stored: object) -> bool:
    return isinstance(stored, str)


def sets_of_jobs(session: Session, job_ids: Collection[str]) -> set[str]:
    """The digests of all sets that these jobs were given; to be read before they are deleted."""
    columns = (JobHotwords.named, JobHotwords.own, JobHotwords.everybodys)
    given = select(*columns, JobGroupHotwords.digest).outerjoin(
        JobGroupHotwords, JobGroupHotwords.job_id == JobHotwords.job_id
    )
    rows = session.execute(given.where(JobHotwords.job_id.in_(job_ids)))
    return {digest for row in rows for digest in row if digest is not None}


def drop_unused(session: Session, digests: Collection[str]) -> None:
    """Delete those of these sets that nothing names any more. Takes the lock."""
    if not digests:
        return
    lock_sets(session)
    unused = [~exists().where(column == HotwordSet.digest) for column in _NAMED_BY]
    session.execute(
        delete(HotwordSet)
        .where(HotwordSet.digest.in_(digests), *unused)
        .execution_options(synchronize_session=False)
    )
