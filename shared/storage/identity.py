"""Check that the storage that a process sees is the one that holds this database's recordings.

A mount that is missing leaves an empty folder, and another disk may lie in its place.  So the
storage carries an id (a UUID), the database holds the same, and they are compared before a worker
claims a job and before the web server takes a recording.

Nobody has to write the id: `check_storage` does, where what it finds proves the storage.

    database  storage   then
    id        the same  sound
    id        none      sound, and the id is written, if most of the newest recordings are there (a
                        backup without it); else missing
    id        another   other, until an operator says `longscribe adopt-storage`
    none      any, none adopted if most of the newest recordings are there (an older version's); if
                        the database knows none, other where there are recordings under an id, else
                        adopted by a web server (`may_begin`) and new to a worker, which would
                        else choose its own bare folder for all; else unproven
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.db import Database
from shared.dialects import upsert
from shared.models import Recording, StorageRow, new_id
from shared.models.storage import ONLY_ROW
from shared.storage.blob_store import BlobStore
from shared.storage.errors import StorageUnavailable

_NEWEST = 20
"""Recordings that are looked for in a storage that has to be proven."""


class StorageState(StrEnum):
    """Result of comparing the storage's id with the database's."""

    SOUND = "ok"
    NEW = "new"
    """Storage that no web server has taken into use yet; there is nothing to claim."""
    MISSING = "missing"
    """An empty folder, most likely the place of a mount that is not there."""
    OTHER = "other"
    """Storage of another installation, or another disk."""
    UNPROVEN = "unproven"
    """Neither storage nor database has an id, and the recordings that the database knows are not
    here."""
    UNREACHABLE = "unreachable"
    """Storage that cannot be read: a stale handle, a broken disk."""


def check_storage(db: Database, blobs: BlobStore, *, may_begin: bool = False) -> StorageState:
    """Compare the storage with the database, adopting it where that is safe.

    `may_begin`: a storage is chosen while the database knows no recording; for web servers, whose
    storage it is that recordings are written to.  Raises SQLAlchemyError.
    """
    return _compared(db, blobs, partial(_adopted, may_begin=may_begin))


def require_storage(db: Database, blobs: BlobStore, *, may_begin: bool = False) -> None:
    """Check the storage. Raises StorageUnavailable unless `check_storage` finds the storage
    sound."""
    if check_storage(db, blobs, may_begin=may_begin) is not StorageState.SOUND:
        raise StorageUnavailable


def look_at_storage(db: Database, blobs: BlobStore) -> StorageState:
    """Compare as `check_storage` does, without writing anything. Raises SQLAlchemyError."""
    return _compared(db, blobs, _judge)


def adopt_storage(db: Database, blobs: BlobStore) -> str:
    """Make this storage the database's, whatever either had before; its id.

    For an operator who knows it. Raises OSError, SQLAlchemyError.
    """
    identity = blobs.set_identity(new_id())
    with db.writing() as session:
        _write(session, identity, replace=True)
    return identity


def _compared(
    db: Database,
    blobs: BlobStore,
    otherwise: Callable[[Database, BlobStore, str | None, str | None], StorageState],
) -> StorageState:
    """Sound where both have one id; what `otherwise` makes of the two where not."""
    with db.reading() as session:
        known = _known(session)
    try:
        found = blobs.identity()
        if known is not None and found == known:
            return StorageState.SOUND
        return otherwise(db, blobs, known, found)
    except OSError:
        return StorageState.UNREACHABLE


def _adopted(
    db: Database, blobs: BlobStore, known: str | None, found: str | None, *, may_begin: bool
) -> StorageState:
    state = _judge(db, blobs, known, found)
    if state is not StorageState.SOUND and not (state is StorageState.NEW and may_begin):
        return state
    # The storage first: of two that begin at once, both then write what is in it.
    identity = blobs.set_identity(known or new_id())
    with db.writing() as session:
        _write(session, identity, replace=False)
        return StorageState.SOUND if _known(session) == identity else StorageState.OTHER


def _judge(db: Database, blobs: BlobStore, known: str | None, found: str | None) -> StorageState:
    """State of a storage with an id other than the database's."""
    if known is not None and found is not None:
        return StorageState.OTHER
    with db.reading() as session:
        keys = session.scalars(
            select(Recording.blob_key).order_by(Recording.id.desc()).limit(_NEWEST)
        ).all()
    if known is None and not keys:
        # One with recordings under an id is another database's, whose uploads this would sweep.
        taken = found is not None and any(True for _ in blobs.recordings())
        return StorageState.OTHER if taken else StorageState.NEW
    if 2 * sum(blobs.exists(key) for key in keys) > len(keys):
        return StorageState.SOUND
    return StorageState.UNPROVEN if known is None else StorageState.MISSING


def _known(session: Session) -> str | None:
    return session.scalar(select(StorageRow.identity).where(StorageRow.id == ONLY_ROW))


def _write(session: Session, identity: str, *, replace: bool) -> None:
    row = upsert(session, StorageRow).values(id=ONLY_ROW, identity=identity)
    session.execute(
        row.on_conflict_do_update(index_elements=["id"], set_={"identity": identity})
        if replace
        else row.on_conflict_do_nothing()
    )
