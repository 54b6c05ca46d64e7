"""What becomes of uploads that nobody goes on with, on both databases."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from shared import jobs
from shared.db import Database
from shared.errors import OffsetMismatch, UploadBusy, UploadExpired
from shared.models import LOCAL_OWNER, Upload, new_id
from shared.quotas.limits import UNLIMITED
from shared.storage import space_reservations, upload_cleanup, uploads
from shared.storage.blob_store import key_of
from shared.storage.local.folder import LocalFolder
from shared.storage.local.partial_upload import UnfinishedFile

HOUR_S = 3600.0


@pytest.fixture
def store(tmp_path: Path) -> LocalFolder:
    return LocalFolder(tmp_path / "recordings", min_free_bytes=0)


def begun(db: Database, store: LocalFolder, *, kept_s: float = HOUR_S, size: int = 5) -> str:
    upload_id = new_id()
    store.begin_upload(upload_id)
    uploads.create(
        db,
        upload_id=upload_id,
        owner_id=LOCAL_OWNER,
        size_bytes=size,
        filename="周会.wav",
        described="",
        kept_s=kept_s,
        room=space_reservations.room_of(store, UNLIMITED),
    )
    return upload_id


def written(partial: UnfinishedFile, data: bytes) -> None:
    partial.cut(0)
    partial.write(data)
    partial.sync()


def files(store: LocalFolder) -> set[str]:
    return {path.name for path in store.root.rglob("*") if path.is_file()}


def rows(db: Database) -> set[str]:
    with db.reading() as session:
        return set(session.scalars(select(Upload.id)))


def test_a_sweep_removes_what_expired_and_leaves_what_somebody_goes_on_with(
    db: Database, store: LocalFolder
) -> None:
    living = begun(db, store)
    begun(db, store, kept_s=-1)
    assert upload_cleanup.sweep(db, store) == 1
    assert files(store) == rows(db) == {living}
    assert upload_cleanup.sweep(db, store) == 0


def test_what_is_being_written_is_not_swept(db: Database, store: LocalFolder) -> None:
    upload_id = begun(db, store, kept_s=-1)
    with store.hold_upload(upload_id):
        assert upload_cleanup.sweep(db, store) == 0
    assert files(store) == rows(db) == {upload_id}


def test_the_recording_of_a_job_outlives_its_upload(db: Database, store: LocalFolder) -> None:
    upload_id = begun(db, store, kept_s=-1)
    with store.hold_upload(upload_id) as partial:
        written(partial, b"sound")
        blob = partial.keep(5)
    job_id = jobs.submit(db, owner_id=LOCAL_OWNER, blob=blob, filename="周会.wav").job_id
    assert upload_cleanup.sweep(db, store) == 1
    assert files(store) == {upload_id}
    assert rows(db) == set()
    assert uploads.job_of(db, owner_id=LOCAL_OWNER, upload_id=upload_id) == job_id
    assert uploads.job_of(db, owner_id="another", upload_id=upload_id) is None


def test_a_whole_upload_that_never_became_a_job_is_swept_from_its_place(
    db: Database, store: LocalFolder
) -> None:
    upload_id = begun(db, store, kept_s=-1)
    with store.hold_upload(upload_id) as partial:
        written(partial, b"sound")
        assert store.exists(partial.keep(5).key)
    assert upload_cleanup.sweep(db, store) == 1
    assert files(store) == set()


def test_files_without_a_row_are_swept_once_they_are_old(db: Database, store: LocalFolder) -> None:
    living, stray, young = begun(db, store), new_id(), new_id()
    for upload_id in (stray, young):
        store.begin_upload(upload_id)
    for upload_id in (living, stray):
        os.utime((store.root / "uploads") / upload_id, (time.time() - 2 * HOUR_S,) * 2)
    assert upload_cleanup.sweep(db, store) == 1
    assert files(store) == {living, young}


def test_an_offset_moves_only_from_where_it_is(db: Database, store: LocalFolder) -> None:
    upload_id = begun(db, store)
    moved = {"owner_id": LOCAL_OWNER, "upload_id": upload_id, "kept_s": HOUR_S}
    uploads.advance(db, offset=0, to=3, **moved)  # type: ignore[arg-type]
    with pytest.raises(OffsetMismatch):
        uploads.advance(db, offset=0, to=5, **moved)  # type: ignore[arg-type]
    assert uploads.find(db, owner_id=LOCAL_OWNER, upload_id=upload_id).received_bytes == 3


def test_keeping_twice_gives_the_same_and_a_second_holder_waits(store: LocalFolder) -> None:
    upload_id = new_id()
    store.begin_upload(upload_id)
    with store.hold_upload(upload_id) as partial:
        written(partial, b"sound")
        first = partial.keep(5)
        with pytest.raises(UploadBusy), store.hold_upload(upload_id, wait_s=0.1):
            pass
    with store.hold_upload(upload_id) as again:
        assert again.keep(5) == first
    assert first.key == key_of(upload_id)
    assert files(store) == {upload_id}


def test_bytes_that_are_gone_or_cut_short_are_never_taken_for_the_recording(
    store: LocalFolder,
) -> None:
    upload_id = new_id()
    store.begin_upload(upload_id)
    with store.hold_upload(upload_id) as partial:
        written(partial, b"soun")
        with pytest.raises(UploadExpired):
            partial.keep(5)
        with pytest.raises(UploadExpired):
            partial.cut(5)
    ((store.root / "uploads") / upload_id).unlink()
    with pytest.raises(UploadExpired), store.hold_upload(upload_id):
        pass
