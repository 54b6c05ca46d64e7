"""Removal of what uploads leave: those that expired, and files of requests that a crash ended."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from sqlalchemy import delete as sql_delete
from sqlalchemy import select

from shared.db import Database, database_now
from shared.errors import UploadBusy, UploadExpired
from shared.models import Upload
from shared.storage import space_reservations
from shared.storage.blob_store import BlobStore, StoredEntry
from shared.storage.uploads import ids, remove_bytes

_YOUNG_S = 3600.0
"""An upload gets its row right after its file; so long nothing is called stray."""


def sweep(db: Database, blobs: BlobStore) -> int:
    """Remove the uploads that expired, and files that a crash left without a row; how many."""
    space_reservations.forget_expired(db)
    removed = 0
    for upload_id in _expired(db):
        try:
            with blobs.hold_upload(upload_id):
                if not _forget_expired(db, upload_id):
                    continue  # somebody went on with it just now
                remove_bytes(db, blobs, upload_id)
        except UploadBusy:
            continue
        except UploadExpired:
            _forget_expired(db, upload_id)
        removed += 1
    if stray := {entry.name for entry in untouched(blobs.unfinished_uploads(), for_s=_YOUNG_S)}:
        for upload_id in stray - ids(db):
            blobs.discard_upload(upload_id)
            removed += 1
    return removed


def sweep_incoming(blobs: BlobStore, *, untouched_s: float) -> int:
    """Remove what requests that crashed have left of their files; how many there were."""
    abandoned = list(untouched(blobs.incoming(), for_s=untouched_s))
    for entry in abandoned:
        blobs.discard_incoming(entry.name)
    return len(abandoned)


def untouched(entries: Iterable[StoredEntry], *, for_s: float) -> Iterator[StoredEntry]:
    """Choose the entries that nobody has written to for so long."""
    oldest = time.time() - for_s
    return (entry for entry in entries if entry.written_at < oldest)


def _expired(db: Database) -> list[str]:
    with db.reading() as session:
        return list(
            session.scalars(select(Upload.id).where(Upload.expires_at <= database_now())).all()
        )


def _forget_expired(db: Database, upload_id: str) -> bool:
    with db.writing() as session:
        forgotten = session.execute(
            sql_delete(Upload)
            .where(Upload.id == upload_id, Upload.expires_at <= database_now())
            .returning(Upload.id)
            .execution_options(synchronize_session=False)
        ).one_or_none()
    return forgotten is not None
