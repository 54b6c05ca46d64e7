"""Reads and writes of a job's hotwords by its worker, and their view for a person."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from shared.db import Database
from shared.errors import JobNotFound
from shared.jobs.claim import Claim
from shared.jobs.lease import renew
from shared.models import Job, JobHotwords
from shared.words.hotwords import MOST_FOUND, given_words
from shared.words.hotwords import GivenWords as GivenWords


def claimed_hotwords(db: Database, claim: Claim) -> GivenWords | None:
    """Hotwords given to the claimed job when it was submitted; None if there were none."""
    with db.reading() as session:
        return given_words(session, claim.job_id)


def note_hotwords(db: Database, claim: Claim, *, passed: bool) -> None:
    """Keep whether this attempt's model is given the words, and forget what another found."""
    with db.writing() as session:
        renew(session, claim)
        _set(session, claim.job_id, passed=passed, found=None, found_size=None)


def store_found_hotwords(session: Session, claim: Claim, found: list[tuple[str, int]]) -> None:
    """Keep which words stand in the text, within the transaction that completes the job."""
    listed = [list(one) for one in found[:MOST_FOUND]]
    _set(session, claim.job_id, found=listed, found_size=len(found))


def get_hotwords(db: Database, *, owner_id: str, job_id: str) -> GivenWords:
    """Hotwords given to a job and the result of each. Raises JobNotFound."""
    with db.reading() as session:
        known = session.scalar(select(Job.id).where(Job.id == job_id, Job.owner_id == owner_id))
        if known is None:
            raise JobNotFound
        return given_words(session, job_id) or GivenWords()


def _set(session: Session, job_id: str, **values: object) -> None:
    session.execute(
        update(JobHotwords)
        .where(JobHotwords.job_id == job_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
