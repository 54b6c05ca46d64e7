"""The playable copy of a recording: stored by the attempt that makes it, heard on the page.

Its bytes lie in the BlobStore and its key in the recording's row, which names the key before there
are any bytes: a crash in between leaves no file that nobody knows.  Whatever attempt comes next
stores its copy under the same key, and only until one is there.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from shared.db import Database
from shared.jobs.claim import Claim
from shared.jobs.lease import renew
from shared.models import Recording


@dataclass(frozen=True, slots=True)
class PlayableCopy:
    """A copy that is there: its blob, its length and its media type."""

    key: str
    size_bytes: int
    media_type: str


def plan_playable_copy(db: Database, claim: Claim, key: str) -> None:
    """Choose the key of a copy that is to be stored; one that was chosen before stays."""
    with db.writing() as session:
        renew(session, claim)
        session.execute(
            update(Recording)
            .where(Recording.blob_key == claim.blob_key, Recording.playable_key.is_(None))
            .values(playable_key=key)
            .execution_options(synchronize_session=False)
        )


def planned_playable_copy(db: Database, claim: Claim) -> tuple[str | None, bool]:
    """The chosen key, if the recording still is there and has one, and whether the copy is."""
    with db.reading() as session:
        row = session.execute(
            select(Recording.playable_key, Recording.playable_bytes).where(
                Recording.blob_key == claim.blob_key
            )
        ).one_or_none()
    return (None, False) if row is None else (row.playable_key, row.playable_bytes is not None)


def store_playable_copy(db: Database, claim: Claim, copy: PlayableCopy) -> None:
    """Say that the bytes of the copy are durable; from now on it is served. Written once."""
    with db.writing() as session:
        renew(session, claim)
        session.execute(
            update(Recording)
            .where(
                Recording.blob_key == claim.blob_key,
                Recording.playable_key == copy.key,
                Recording.playable_bytes.is_(None),
            )
            .values(playable_bytes=copy.size_bytes, playable_type=copy.media_type)
            .execution_options(synchronize_session=False)
        )
