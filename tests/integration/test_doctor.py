"""`longscribe doctor` on real installations, whole ones and ones with something broken."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from sqlalchemy import text

import migrations
from shared import accounts, jobs
from shared.cli.doctor import examine as doctor
from shared.cli.doctor.finding import Finding, Level, ok
from shared.db import Database
from shared.models import LOCAL_OWNER, new_id
from shared.private_files import close_to_others
from shared.quotas.limits import UNLIMITED
from shared.search import entries
from shared.search.index import index_of
from shared.settings import Settings
from shared.states import JobStatus
from shared.storage import reservations, uploads
from shared.storage.blob_store import StoredBlob, key_of
from shared.storage.identity import adopt_storage
from shared.storage.local.folder import LocalFolder
from tests.support import factories
from tests.support.people import a_person
from tests.support.services import start_redis

HOUR = 3600.0


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is asked in tests of its own: importing torch takes seconds each time."""
    monkeypatch.setattr(doctor, "check_speech", lambda *_, **__: [ok("model", "not asked")])


@pytest.fixture
def settings(database_url: str, tmp_path: Path, without_torch: None) -> Iterator[Settings]:
    """A healthy installation that nothing serves: folder, migrated database, Redis."""
    server, _ = start_redis(tmp_path / "redis")
    (tmp_path / "data").mkdir()
    settings = Settings(
        data_dir=tmp_path / "data",
        database_url=database_url,
        redis_url=f"redis+socket://{tmp_path / 'redis' / 'redis.sock'}",  # type: ignore[arg-type]
        min_free_bytes=0,
        max_audio_s=60,
    )
    before = os.umask(settings.umask_bits)
    close_to_others(settings)
    yield settings
    os.umask(before)
    server.stop()


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    database = Database(settings.resolved_database_url)
    yield database
    database.dispose()


def of(findings: list[Finding], thing: str) -> Finding:
    """The one finding of a thing."""
    (found,) = [finding for finding in findings if finding.thing == thing]
    return found


def all_of(findings: list[Finding], thing: str) -> list[Finding]:
    return [finding for finding in findings if finding.thing == thing]


def a_worker(db: Database) -> None:
    jobs.note_worker(
        db,
        name="celery@here:1",
        hostname="here",
        model="demo",
        device="cpu",
        started_at=datetime.now(UTC),
    )


def stored(settings: Settings, *, age_s: float = 2 * HOUR) -> StoredBlob:
    blobs = LocalFolder(settings.recordings_dir, min_free_bytes=0)
    with blobs.receive(max_bytes=2**20) as incoming:
        incoming.write(b"sound")
        blob = incoming.keep()
    aged((blobs.root / blob.key), age_s)
    return blob


def aged(path: Path, age_s: float = 2 * HOUR) -> Path:
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def changed(settings: Settings, **values: object) -> Settings:
    return Settings(**{**settings.model_dump(exclude_unset=True), **values})


class TestServices:
    def test_a_healthy_installation_has_nothing_but_ok(
        self, settings: Settings, db: Database
    ) -> None:
        a_worker(db)
        factories.submit(db, blob=stored(settings))
        found = doctor.examine(settings)
        assert {finding.level for finding in found} == {Level.OK}, found
        assert doctor.exit_status(found) == 0
        assert "celery@here:1 with demo on cpu, seen " in of(found, "workers").finding
        assert "1 queued" in of(found, "jobs").finding
        kind = "SQLite 3." if db.is_sqlite else "PostgreSQL "
        assert of(found, "database").finding.startswith(kind)
        assert "version 6." in of(found, "redis").finding

    def test_a_redis_that_is_gone_or_frozen_is_a_problem_and_the_rest_is_still_checked(
        self, settings: Settings, db: Database, tmp_path: Path
    ) -> None:
        gone = f"redis+socket://{tmp_path / 'nobody.sock'}"
        found = doctor.examine(changed(settings, redis_url=gone))
        assert of(found, "redis").level is Level.PROBLEM
        assert "LONGSCRIBE_REDIS_URL" in of(found, "redis").what_to_do
        assert of(found, "schema").level is of(found, "orphans").level is Level.OK

        frozen, url = start_redis(tmp_path / "frozen")
        try:
            frozen.kill(signal.SIGSTOP)
            url = url.replace("unix://", "redis+socket://")
            found = doctor.examine(changed(settings, redis_url=url))
        finally:
            frozen.kill(signal.SIGCONT)
            frozen.stop()
        assert of(found, "redis").level is Level.PROBLEM
        assert of(found, "orphans").level is Level.OK

    def test_a_search_index_that_lacks_jobs_is_a_problem(
        self, settings: Settings, db: Database
    ) -> None:
        for _ in range(2):
            factories.submit(db, blob=stored(settings))
        waits = of(doctor.examine(settings), "search index")
        assert waits.level is Level.OK and waits.finding.startswith("2 of 2 jobs wait")
        entries.catch_up(db, within_s=1)
        assert of(doctor.examine(settings), "search index").finding == "has all 2 jobs"
        with db.writing() as session:
            index_of(session).clear(session)
        emptied = of(doctor.examine(settings), "search index")
        with db.writing() as session:
            session.execute(text("DELETE FROM search_entries WHERE number = 1"))
        lacks = of(doctor.examine(settings), "search index")
        assert emptied.level is lacks.level is Level.PROBLEM
        assert "--rebuild" in emptied.what_to_do and "finds 1 jobs" in lacks.finding

    def test_a_redis_that_takes_no_messages_is_a_problem(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        replica, url = start_redis(tmp_path / "replica")
        try:
            with redis.Redis.from_url(url) as client:
                client.replicaof("127.0.0.1", 1)
            url = url.replace("unix://", "redis+socket://")
            found = doctor.examine(changed(settings, redis_url=url))
        finally:
            replica.stop()
        assert "a replica" in of(found, "redis").finding

    def test_a_database_that_cannot_be_reached_leaves_the_rest_unchecked_and_tells_no_password(
        self, settings: Settings
    ) -> None:
        wrong = "postgresql://somebody:geheim@127.0.0.1:1/nothing"
        found = doctor.examine(changed(settings, database_url=wrong))
        assert of(found, "database").level is Level.PROBLEM
        assert "Connection refused" in of(found, "database").finding
        assert of(found, "orphans").level is of(found, "workers").level is Level.UNCHECKED
        assert of(found, "redis").level is Level.OK
        assert doctor.exit_status(found) == 1
        assert "geheim" not in doctor.as_json(found) + doctor.as_columns(found)

    @pytest.mark.parametrize(
        "addresses",
        [
            {"database_url": "postgresql://u:gehe@im@127.0.0.1:no/x"},
            {"redis_url": "redis://:gehe/im@127.0.0.1:1/0"},
            {"redis_url": "redis://:geheim@127.0.0.1:port/0"},
        ],
    )
    def test_an_address_that_cannot_be_read_is_a_problem_that_tells_no_password(
        self, settings: Settings, addresses: dict[str, str]
    ) -> None:
        found = doctor.examine(changed(settings, **addresses))
        thing = "redis" if "redis_url" in addresses else "database"
        assert of(found, thing).level is Level.PROBLEM
        assert "gehe" not in doctor.as_json(found)

    def test_a_file_that_is_no_database_is_a_problem(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        path = tmp_path / "text.db"
        path.write_text("not a database, though long enough to look at " * 20)
        found = doctor.examine(changed(settings, database_url=f"sqlite:///{path}"))
        assert "file is not a database" in of(found, "database").finding

    def test_a_database_file_that_is_not_there_is_not_made(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        path = tmp_path / "elsewhere.db"
        found = doctor.examine(changed(settings, database_url=f"sqlite:///{path}"))
        assert of(found, "database").level is Level.PROBLEM
        assert not path.exists()

    def test_a_missing_migration_is_a_problem_with_its_command(
        self, settings: Settings, db: Database
    ) -> None:
        migrations.downgrade(settings.resolved_database_url, "0001")
        found = of(doctor.examine(settings), "schema")
        assert found.level is Level.PROBLEM
        assert "longscribe migrate" in found.what_to_do
        migrations.downgrade(settings.resolved_database_url, "base")
        assert "no tables" in of(doctor.examine(settings), "schema").finding

    def test_a_schema_of_a_newer_version_is_told_as_such(
        self, settings: Settings, db: Database
    ) -> None:
        with db.writing() as session:
            session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        assert "a newer one was here" in of(doctor.examine(settings), "schema").finding

    def test_a_clock_that_is_off_is_a_warning_and_no_more(
        self, settings: Settings, db: Database
    ) -> None:
        a_worker(db)
        found = doctor.examine(settings, now=lambda: datetime.now(UTC) - timedelta(hours=3))
        assert of(found, "clock").level is Level.WARNING
        assert "3 h 0 min behind" in of(found, "clock").finding
        assert doctor.exit_status(found) == 0

    def test_jobs_that_wait_without_a_worker_are_a_problem(
        self, settings: Settings, db: Database
    ) -> None:
        factories.submit(db, blob=stored(settings))
        a_worker(db)
        with db.writing() as session:
            session.execute(text("UPDATE workers SET seen_at = '2026-01-01 00:00:00.000000'"))
        found = doctor.examine(settings)
        assert of(found, "jobs").level is of(found, "workers").level is Level.PROBLEM
        assert "1 queued, the oldest for" in of(found, "jobs").finding
        assert "the last, celery@here:1, was seen" in of(found, "workers").finding

    def test_a_server_that_nobody_can_sign_in_to_is_told_with_the_way_in(
        self, settings: Settings, db: Database
    ) -> None:
        required = changed(settings, sign_in="required")
        found = of(doctor.examine(required), "accounts")
        assert found.level is Level.WARNING and "longscribe user add" in found.what_to_do
        bo = a_person(db, is_admin=True)
        accounts.disable(db, a_person(db, "Eve").id)
        found = of(doctor.examine(required), "accounts")
        assert found.level is Level.OK
        assert found.finding == "2, 1 of them disabled; sign-in is required"
        assert of(doctor.examine(settings), "accounts").level is Level.OK
        factories.submit(db, owner_id=bo.id)
        found = of(doctor.examine(settings), "accounts")
        assert found.level is Level.WARNING and "hand-over" in found.what_to_do

    def test_a_full_disk_is_a_problem(self, settings: Settings) -> None:
        found = doctor.examine(changed(settings, min_free_bytes=2**62))
        assert "LONGSCRIBE_MIN_FREE_BYTES" in of(found, "disk").what_to_do


class TestOrphans:
    def test_an_upload_that_somebody_may_go_on_with_is_no_leftover(
        self, settings: Settings, db: Database
    ) -> None:
        store = LocalFolder(settings.recordings_dir, min_free_bytes=0)
        for upload_id in (ids := [new_id(), new_id(), new_id()]):
            store.begin_upload(upload_id)
            aged((store.root / "uploads") / upload_id)
        going_on, whole, stray = ids
        for upload_id in (going_on, whole):
            uploads.create(
                db,
                upload_id=upload_id,
                owner_id="local",
                size_bytes=9,
                filename="a.wav",
                described="",
                kept_s=3600,
                room=reservations.room_of(store, UNLIMITED),
            )
        # As a crash between taking its place and getting its job leaves it.
        place = store.root / key_of(whole)
        place.parent.mkdir(exist_ok=True)
        ((store.root / "uploads") / whole).rename(place)
        factories.submit(db, blob=stored(settings))

        [found] = all_of(doctor.examine(settings), "orphans")
        assert found.finding.startswith("1 unfinished uploads without a row")
        assert stray in found.finding
        doctor.examine(settings, delete_orphans=True)
        assert [path.name for path in (store.root / "uploads").iterdir()] == [going_on]
        assert place.exists()

    def test_leftovers_are_reported_and_removed_only_when_asked_for(
        self, settings: Settings, db: Database
    ) -> None:
        root = settings.recordings_dir
        known = stored(settings)
        factories.submit(db, blob=known)
        orphan, young = stored(settings), stored(settings, age_s=60)
        partial = root / "incoming" / "half"
        partial.write_bytes(b"half")
        aged(partial)
        receiving = root / "incoming" / "receiving"
        receiving.write_bytes(b"half")
        others = root / "notes.txt"
        others.write_text("put there by a person")
        aged(others)
        leftover = settings.work_dir / "0199-gone"
        leftover.mkdir(parents=True)
        (leftover / "audio.pcm").write_bytes(b"x" * 1000)
        aged(leftover)

        found = doctor.examine(settings)
        orphans = all_of(found, "orphans")
        assert {one.level for one in orphans} == {Level.WARNING}
        assert [one.finding.partition(",")[0] for one in orphans] == [
            "1 recordings without a row",
            "1 partial uploads",
            "1 work folders of jobs that nobody runs",
        ]
        assert str(root / orphan.key) in orphans[0].finding
        everything = [root / orphan.key, partial, leftover]
        assert all(path.exists() for path in everything)

        found = doctor.examine(settings, delete_orphans=True)
        assert {one.level for one in all_of(found, "orphans")} == {Level.OK}
        assert not any(path.exists() for path in everything)
        for kept in (root / known.key, root / young.key, receiving, others):
            assert kept.exists(), kept
        assert of(doctor.examine(settings), "orphans").finding == "none; 2 recordings, 1 rows"

    def test_a_playable_copy_belongs_to_its_recording_before_and_after_it_is_there(
        self, settings: Settings, db: Database
    ) -> None:
        factories.submit(db, blob=stored(settings))
        claimed = factories.claim(db)
        copy = stored(settings)
        jobs.plan_playable_copy(db, claimed, copy.key)
        found = of(doctor.examine(settings, delete_orphans=True), "orphans")
        assert found.finding == "none; 1 recordings, 1 rows"
        jobs.store_playable_copy(db, claimed, jobs.PlayableCopy(copy.key, 5, "audio/webm"))
        found = of(doctor.examine(settings, delete_orphans=True), "orphans")
        assert found.finding == "none; 1 recordings, 1 rows"
        assert (settings.recordings_dir / copy.key).exists()

    def test_the_folder_of_a_running_job_stays_however_old_it_is(
        self, settings: Settings, db: Database
    ) -> None:
        blob = stored(settings)
        job_id = factories.a_job(db, JobStatus.PROCESSING, blob=blob)
        folder = settings.work_dir / f"{job_id}-abc"
        folder.mkdir(parents=True)
        aged(folder, 9 * HOUR)
        found = doctor.examine(settings, delete_orphans=True)
        assert of(found, "orphans").level is Level.OK
        assert folder.exists()

    def test_a_wrong_database_does_not_cost_a_recording(
        self, settings: Settings, db: Database
    ) -> None:
        blob = stored(settings)
        other = stored(settings)
        working = aged_folder(settings)
        found = doctor.examine(settings, delete_orphans=True)
        for one in all_of(found, "orphans"):
            assert one.level is Level.WARNING
            assert "LONGSCRIBE_DATABASE_URL" in one.what_to_do
        assert (settings.recordings_dir / blob.key).exists()
        assert (settings.recordings_dir / other.key).exists()
        assert working.exists()

    def test_rows_without_their_recording_are_a_problem_while_jobs_need_it(
        self, settings: Settings, db: Database
    ) -> None:
        adopt_storage(db, LocalFolder(settings.recordings_dir, min_free_bytes=0))
        over = factories.a_job(db, JobStatus.COMPLETED)
        waiting = factories.submit(db)
        found = all_of(doctor.examine(settings, delete_orphans=True), "orphans")
        assert [one.level for one in found] == [Level.PROBLEM, Level.WARNING]
        assert waiting in found[0].finding
        assert over in found[1].finding
        assert jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=waiting).job.status == "queued"


class TestHealth:
    def test_a_worker_of_this_machine_says_what_keeps_it(
        self, settings: Settings, db: Database, tmp_path: Path
    ) -> None:
        settings = changed(settings, health_dir=str(tmp_path))
        told = {
            "worker": "here:1",
            "data_dir": str(settings.data_dir.resolve()),
            "told_at": time.time(),
            "ills": [],
            "obstacles": [{"code": "redis_unreachable", "message": "Redis does not answer."}],
        }
        file = tmp_path / f"{os.getpid()}.json"
        file.write_text(json.dumps(told))
        found = of(doctor.examine(settings), "health")
        assert found.level is Level.WARNING and "Redis does not answer" in found.finding
        file.write_text(json.dumps(told | {"obstacles": [], "told_at": time.time() - 300}))
        found = of(doctor.examine(settings), "health")
        assert found.level is Level.PROBLEM and "told nothing" in found.finding
        file.write_text(json.dumps(told | {"data_dir": "/elsewhere"}))
        assert all_of(doctor.examine(settings), "health") == []


class TestStorage:
    def test_a_missing_mount_is_told_as_such_and_no_backup_is_advised(
        self, settings: Settings, db: Database
    ) -> None:
        adopt_storage(db, LocalFolder(settings.recordings_dir, min_free_bytes=0))
        factories.submit(db, blob=stored(settings))
        assert of(doctor.examine(settings), "storage").level is Level.OK
        settings.recordings_dir.rename(settings.recordings_dir.with_name("away"))
        settings.recordings_dir.mkdir()
        found = doctor.examine(settings, delete_orphans=True)
        assert of(found, "storage").level is Level.PROBLEM
        assert of(found, "storage").what_to_do.startswith("Mount the storage of the recordings")
        assert of(found, "orphans").level is Level.UNCHECKED

    def test_a_worker_without_the_mount_is_a_problem_of_that_worker(
        self, settings: Settings, db: Database
    ) -> None:
        jobs.note_worker(
            db,
            name="other:1",
            hostname="other",
            model="demo",
            device="cpu",
            started_at=datetime.now(UTC),
            obstacles=["storage_missing"],
        )
        found = of(doctor.examine(settings), "workers")
        assert found.level is Level.PROBLEM
        assert "does not see the storage" in found.finding
        assert "Mount the storage" in found.what_to_do


def aged_folder(settings: Settings) -> Path:
    folder = settings.work_dir / "0199-of-another-database"
    folder.mkdir(parents=True)
    return aged(folder)
