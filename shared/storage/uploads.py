"""Recordings that come in pieces: what their rows say, and their end.

A row says how much of an upload is durable.  It is written after the bytes were synced, so it never
says too much, and only by the request that holds them (`BlobStore.hold_upload`).  A whole upload
becomes a job through `shared.jobs.submit`; its recording keeps the upload's id in its blob's key,
which is unique, so no second job can be made of it.  Every query names the owner.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Update, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import OffsetMismatch, UploadExpired, UploadNotFound
from shared.models import Job, Recording, Upload, new_id
from shared.storage import space_reservations
from shared.storage.blob_store import BlobStore, key_of

_LEAVING_S = 2.0


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """An upload as it is stored."""

    id: str
    owner_id: str
    filename: str
    described: str
    """The client's `Upload-Metadata`, given back as it came."""
    size_bytes: int
    """The whole length; while that is deferred, the room that is reserved so far."""
    is_length_deferred: bool
    """True while the client has still to tell the length."""
    received_bytes: int
    """Bytes that are durable."""
    created_at: datetime
    expires_at: datetime


def _as_record(row: Upload) -> UploadRecord:
    return UploadRecord(
        id=row.id,
        owner_id=row.owner_id,
        filename=row.filename,
        described=row.described,
        size_bytes=row.size_bytes,
        is_length_deferred=row.is_length_deferred,
        received_bytes=row.received_bytes,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def new_upload_id() -> str:
    """An id for an upload that begins, for its row and its bytes."""
    return new_id()


def create(
    db: Database,
    *,
    upload_id: str,
    owner_id: str,
    size_bytes: int,
    filename: str,
    described: str,
    kept_s: float,
    room: space_reservations.Room,
    is_length_deferred: bool = False,
) -> UploadRecord:
    """The row of a new upload, whose empty file is there already. It reserves `size_bytes`: what is
    announced, or of one whose length is deferred the room to begin with.

    Raises InsufficientStorage, StorageShareFull or TooManyUploads.
    """
    with db.writing() as session:
        space_reservations.require_room(session, db, room, owner_id=owner_id, size_bytes=size_bytes)
        space_reservations.require_another_upload(session, room.limits, owner_id)
        upload = Upload(
            id=upload_id,
            owner_id=owner_id,
            size_bytes=size_bytes,
            is_length_deferred=is_length_deferred,
            filename=filename,
            described=described,
            received_bytes=0,
            expires_at=database_now(kept_s),
        )
        session.add(upload)
        session.flush()
        session.refresh(upload)
        return _as_record(upload)


def find(db: Database, *, owner_id: str, upload_id: str) -> UploadRecord:
    """An owner's upload. Raises UploadNotFound, for another owner's too, or UploadExpired."""
    with db.reading() as session:
        found = session.execute(
            select(Upload, Upload.expires_at <= database_now()).where(
                Upload.id == upload_id, Upload.owner_id == owner_id
            )
        ).one_or_none()
    if found is None:
        raise UploadNotFound
    upload, has_expired = found
    if has_expired:
        raise UploadExpired
    return _as_record(upload)


def renew(db: Database, *, owner_id: str, upload_id: str, kept_s: float) -> UploadRecord:
    """Count its time anew, so that it does not expire under the request that holds it.

    Raises as `find` does.
    """
    with db.writing() as session:
        upload = _changed(
            session,
            update(Upload)
            .where(
                Upload.id == upload_id,
                Upload.owner_id == owner_id,
                Upload.expires_at > database_now(),
            )
            .values(expires_at=database_now(kept_s)),
        )
    return upload or find(db, owner_id=owner_id, upload_id=upload_id)


def advance(
    db: Database, *, owner_id: str, upload_id: str, offset: int, to: int, kept_s: float
) -> datetime:
    """Say that the bytes up to `to` are durable; when it expires now.

    Raises OffsetMismatch if it does not stand at `offset`, which only happens where the folder of
    the recordings takes no locks.
    """
    with db.writing() as session:
        upload = _changed(
            session,
            update(Upload)
            .where(
                Upload.id == upload_id,
                Upload.owner_id == owner_id,
                Upload.received_bytes == offset,
            )
            .values(received_bytes=to, expires_at=database_now(kept_s)),
        )
    if upload is None:
        raise OffsetMismatch
    return upload.expires_at


def reserve_up_to(
    db: Database, upload: UploadRecord, size_bytes: int, room: space_reservations.Room
) -> UploadRecord:
    """Reserve room for `size_bytes` in all, for an upload whose length is deferred.

    Raises InsufficientStorage or StorageShareFull; what was reserved before stays so.
    """
    return _resize(db, upload, size_bytes, room, is_length_deferred=True)


def set_length(
    db: Database, upload: UploadRecord, size_bytes: int, room: space_reservations.Room
) -> UploadRecord:
    """Set the length that was deferred, and give back what was reserved beyond it.

    Raises InsufficientStorage, StorageShareFull, or OffsetMismatch where more has been received,
    which only happens where the folder of the recordings takes no locks.
    """
    return _resize(db, upload, size_bytes, room, is_length_deferred=False)


def _resize(
    db: Database,
    upload: UploadRecord,
    size_bytes: int,
    room: space_reservations.Room,
    *,
    is_length_deferred: bool,
) -> UploadRecord:
    more = size_bytes - upload.size_bytes
    with db.writing() as session:
        if more > 0:
            space_reservations.require_room(
                session, db, room, owner_id=upload.owner_id, size_bytes=more
            )
        resized = _changed(
            session,
            update(Upload)
            .where(
                Upload.id == upload.id,
                Upload.owner_id == upload.owner_id,
                Upload.is_length_deferred,
                Upload.size_bytes == upload.size_bytes,
                Upload.received_bytes <= size_bytes,
            )
            .values(size_bytes=size_bytes, is_length_deferred=is_length_deferred),
        )
    if resized is None:
        raise OffsetMismatch
    return resized


def forget(db: Database, *, owner_id: str, upload_id: str) -> None:
    """Drop the row; no error if it is gone. Its bytes come next, unless they have a job."""
    with db.writing() as session:
        session.execute(
            sql_delete(Upload).where(Upload.id == upload_id, Upload.owner_id == owner_id)
        )


def job_of(db: Database, *, owner_id: str, upload_id: str) -> str | None:
    """The job that was made of it, if there is one."""
    with db.reading() as session:
        return session.scalar(
            select(Job.id)
            .join(Recording, Recording.id == Job.recording_id)
            .where(Recording.blob_key == key_of(upload_id), Job.owner_id == owner_id)
            .order_by(Job.id)
            .limit(1)
        )


def remove(db: Database, blobs: BlobStore, *, owner_id: str, upload_id: str) -> None:
    """End an upload: the row, then the bytes unless a job has them. UploadBusy while it is held."""
    try:
        # Whoever gives an upload up has most often just left the request that wrote to it.
        with blobs.hold_upload(upload_id, wait_s=_LEAVING_S):
            forget(db, owner_id=owner_id, upload_id=upload_id)
            remove_bytes(db, blobs, upload_id)
    except UploadExpired:  # its bytes are gone already
        forget(db, owner_id=owner_id, upload_id=upload_id)


def remove_bytes(db: Database, blobs: BlobStore, upload_id: str) -> None:
    """Delete what an upload has received, unless a job has it."""
    blobs.discard_upload(upload_id)
    if not _has_recording(db, upload_id):  # it may have its place already
        blobs.delete(key_of(upload_id))


def ids(db: Database) -> set[str]:
    """Read the ids of all uploads that have a row."""
    with db.reading() as session:
        return set(session.scalars(select(Upload.id)))


def _has_recording(db: Database, upload_id: str) -> bool:
    with db.reading() as session:
        found = session.scalar(select(Recording.id).where(Recording.blob_key == key_of(upload_id)))
    return found is not None


def _changed(session: Session, statement: Update) -> UploadRecord | None:
    row = session.scalars(
        statement.returning(Upload).execution_options(synchronize_session=False)
    ).one_or_none()
    return None if row is None else _as_record(row)
