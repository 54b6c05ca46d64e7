"""What the doctor says of a bucket, and what it removes there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from shared.cli.doctor.disk import check_disk
from shared.cli.doctor.finding import Finding, Level
from shared.cli.doctor.orphans import check_orphans
from shared.cli.doctor.other_servers.playback import check_listening
from shared.cli.doctor.storage import check_storage_here
from shared.db import Database
from shared.models import new_id
from shared.settings import Settings
from shared.storage.configured import open_blob_store
from shared.storage.identity import adopt_storage
from tests.support import factories
from tests.support.doubles.receiver import answering, receiver
from tests.support.stack import hold_port

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
    monkeypatch.setattr("shared.storage.upload_cleanup.time", later)
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


def test_what_players_are_sent_to_is_tried_as_they_ask_for_it(
    settings: Settings, db: Database
) -> None:
    from tests.support.s3.public import public_address

    def found(**changes: str | int) -> Finding:
        given = settings.model_dump(exclude_unset=True) | {"s3_presigned_s": 60} | changes
        (finding,) = check_listening(Settings(**given))
        assert "X-Amz" not in finding.finding  # whoever reads it could read the bucket
        return finding

    assert check_listening(settings) == []
    assert "taken into use" in found().finding
    adopt_storage(db, open_blob_store(settings))
    assert found().level is Level.OK  # at LONGSCRIBE_S3_ENDPOINT, as browsers are sent there
    with public_address() as public:
        tried = found(s3_public_endpoint=public.endpoint)
        assert tried.level is Level.OK and public.endpoint in tried.finding
        assert public.refused == 0 and len(public.ranges) == 1
        unused = found(s3_public_endpoint=public.endpoint, s3_presigned_s=0)
        assert (unused.level, len(public.ranges)) == (Level.WARNING, 1)
        assert "LONGSCRIBE_S3_PRESIGNED_S" in unused.what_to_do
        public.close()
        refused = found(s3_public_endpoint=public.endpoint)
    assert refused.level is Level.PROBLEM and "HTTP 403, AccessDenied" in refused.finding
    assert "Host header and the query" in refused.what_to_do
    with receiver(answering(200, b"welcome")) as other:
        answered = found(s3_public_endpoint=f"http://127.0.0.1:{other.port}")
    assert answered.level is Level.PROBLEM and "not with what is in" in answered.finding
    nobody = f"http://127.0.0.1:{hold_port()}"
    silent = found(s3_public_endpoint=nobody)
    assert silent.level is Level.WARNING and "Connection refused" in silent.finding
    assert nobody in silent.finding and "Longscribe" in silent.what_to_do
