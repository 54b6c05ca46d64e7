"""What the doctor says of a bucket, and what it removes there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from shared.cli.doctor.disk import check_disk
from shared.cli.doctor.finding import Level
from shared.cli.doctor.orphans import check_orphans
from shared.cli.doctor.storage import check_storage_here
from shared.db import Database
from shared.models import new_id
from shared.settings import Settings
from shared.storage.configured import open_blob_store
from shared.storage.identity import adopt_storage
from tests.support import factories

if TYPE_CHECKING:
    from tests.support.s3.server import S3Server


@pytest.fixture
def db(sqlite_url: str) -> Iterator[Database]:
    made = Database(sqlite_url)
    yield made
    made.dispose()


@pytest.fixture
def settings(tmp_path: Path, s3_server: S3Server) -> Settings:
    return Settings(data_dir=tmp_path, **s3_server.settings(s3_server.new_bucket()))  # type: ignore[arg-type]


def test_what_crashes_left_in_a_bucket_is_found_and_removed(
    settings: Settings, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = open_blob_store(settings)
    adopt_storage(db, blobs)
    kept = []
    for _ in range(2):
        with blobs.receive(max_bytes=10) as incoming:
            incoming.write(b"sound")
            kept.append(incoming.keep())
    known, orphan = kept
    factories.submit(db, blob=known)
    blobs.receive(max_bytes=10).write(b"half")
    blobs.begin_upload(stray := new_id())
    with blobs.hold_upload(stray) as held:
        held.write(b"half")
        held.sync()

    assert [found.level for found in check_orphans(db, settings)] == [Level.OK]  # too young
    later = SimpleNamespace(time=lambda: time.time() + 7200)
    monkeypatch.setattr("shared.storage.uploads.time", later)
    said = " ".join(found.finding for found in check_orphans(db, settings))
    assert f"s3://{settings.s3_bucket}/longscribe/{orphan.key}" in said
    assert "1 recordings without a row" in said
    assert "1 partial uploads" in said
    assert "1 unfinished uploads without a row" in said and stray in said
    check_orphans(db, settings, delete=True)
    assert [found.level for found in check_orphans(db, settings)] == [Level.OK]
    assert [entry.name for entry in blobs.recordings()] == [known.key]
    assert not list(blobs.incoming()) and not list(blobs.unfinished_uploads())


def test_a_bucket_that_does_not_answer_or_is_not_there_is_a_problem(
    settings: Settings, db: Database, s3_server: S3Server
) -> None:
    adopt_storage(db, open_blob_store(settings))
    assert [found.level for found in check_storage_here(db, settings)] == [Level.OK]
    assert check_disk(settings)[0].level is Level.OK
    missing = Settings(**{**settings.model_dump(exclude_unset=True), "s3_bucket": "no-such-bucket"})
    [storage] = check_storage_here(db, missing)
    assert storage.level is Level.PROBLEM and "LONGSCRIBE_S3_BUCKET" in storage.what_to_do
    assert "NoSuchBucket" in check_disk(missing)[0].finding
    s3_server.stop()
    try:
        assert check_disk(settings)[0].level is Level.PROBLEM
        assert "not looked at" in check_orphans(db, settings)[0].finding
    finally:
        s3_server.start()
