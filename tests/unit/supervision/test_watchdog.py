"""A child that shows no movement is ended, and no other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from shared import jobs
from shared.db import Database
from shared.settings import Settings
from shared.states import JobStatus
from tests.support import factories
from tests.support.stack import wait_for
from worker.supervision import liveness as liveness_module
from worker.supervision import watchdog as watchdog_module
from worker.supervision.liveness import (
    NO_LIVENESS,
    Liveness,
    LivenessLine,
    liveness_file,
    liveness_files,
)
from worker.supervision.watchdog import Watchdog, remove_stale_files

WORKER = "host:1"
STALL_S = 10.0


class Child:
    """A process of ours that does nothing, and what it shows."""

    def __init__(self, settings: Settings, claim: jobs.Claim) -> None:
        self.process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self.file = liveness_file(settings.watch_dir, worker=WORKER, pid=self.process.pid)
        self.liveness = Liveness(
            self.file, job_id=claim.job_id, fence=claim.fence, stall_s=settings.stall_s
        )

    def killed(self) -> bool:
        """Whether it was, in a moment: a signal takes effect when the process next runs."""
        return self.process.wait(120) == -9

    def lives(self) -> bool:
        """Whether it still does after a moment in which a signal mostly takes effect."""
        try:
            self.process.wait(0.3)
        except subprocess.TimeoutExpired:
            return True
        return False


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, stall_s=STALL_S, max_attempts=2)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    made = Database(sqlite_url)
    yield made
    made.dispose()


@pytest.fixture
def claim(database: Database) -> jobs.Claim:
    factories.submit(database)
    return factories.claim(database)


@pytest.fixture
def child(settings: Settings, claim: jobs.Claim) -> Iterator[Child]:
    made = Child(settings, claim)
    with made.liveness:
        yield made
    made.process.kill()
    made.process.wait()


@pytest.fixture
def watchdog(settings: Settings, database: Database) -> Watchdog:
    return Watchdog(settings, database, worker=WORKER)


def look(watchdog: Watchdog, *, for_s: float) -> None:
    """Let time pass for it, a second at each look."""
    for _ in range(round(for_s)):
        watchdog._look(1.0)


def test_silence_beyond_the_limit_ends_the_process_and_the_attempt(
    watchdog: Watchdog, child: Child, database: Database, claim: jobs.Claim
) -> None:
    look(watchdog, for_s=STALL_S)
    assert child.lives()
    look(watchdog, for_s=2)
    assert child.killed()
    wait_for(
        lambda: factories.status_of(database, claim.job_id) == JobStatus.QUEUED,
        what="the job to be queued again",
    )
    assert not child.file.exists()


def test_each_movement_begins_the_silence_anew(watchdog: Watchdog, child: Child) -> None:
    for _ in range(5):
        look(watchdog, for_s=STALL_S)
        child.liveness.note_progress()
    assert child.lives()


def test_a_batch_may_take_longer_by_what_is_known_of_its_speed(
    watchdog: Watchdog, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    def limit_s() -> float:
        return LivenessLine.parse(child.file.read_bytes()).limit_s

    now = 0.0
    monkeypatch.setattr(liveness_module, "time", SimpleNamespace(monotonic=lambda: now))
    with child.liveness.batch(100.0):
        assert limit_s() == STALL_S + 100  # nothing is known: as long as the audio
        now += 10
    assert limit_s() == STALL_S
    with child.liveness.batch(200.0):
        assert limit_s() == STALL_S + 4 * 20  # four times what 0.1 s a padded second makes


def test_a_batch_that_does_not_fit_teaches_nothing_of_the_speed(child: Child) -> None:
    with pytest.raises(MemoryError), child.liveness.batch(100.0):
        raise MemoryError
    with child.liveness.batch(100.0):
        assert LivenessLine.parse(child.file.read_bytes()).limit_s == STALL_S + 100


def test_the_next_job_of_the_same_process_is_not_blamed_for_the_last(
    watchdog: Watchdog, child: Child, claim: jobs.Claim
) -> None:
    look(watchdog, for_s=STALL_S)
    child.liveness.__exit__(None, None, None)
    with Liveness(child.file, job_id=claim.job_id, fence=claim.fence + 1, stall_s=STALL_S):
        look(watchdog, for_s=STALL_S)
        assert child.lives()


def test_a_process_without_a_job_is_left_alone(watchdog: Watchdog, child: Child) -> None:
    child.liveness.__exit__(None, None, None)
    look(watchdog, for_s=10 * STALL_S)
    assert child.lives()


def test_a_process_that_is_not_our_child_is_left_alone_and_its_file_removed(
    settings: Settings, watchdog: Watchdog, child: Child
) -> None:
    stranger = liveness_file(settings.watch_dir, worker=WORKER, pid=1)
    elsewhere = liveness_file(settings.watch_dir, worker="other:1", pid=child.process.pid)
    for path in (stranger, elsewhere):
        path.write_bytes(child.file.read_bytes())
    look(watchdog, for_s=1)
    assert not stranger.exists()
    assert elsewhere.exists()  # another worker's, for that one to judge
    child.process.kill()
    child.process.wait()
    look(watchdog, for_s=1)
    assert not child.file.exists()


def test_without_its_database_the_process_is_ended_all_the_same(
    settings: Settings, child: Child, tmp_path: Path, database: Database, claim: jobs.Claim
) -> None:
    gone = Database(f"sqlite:///{tmp_path / 'no such folder' / 'longscribe.db'}")
    look(Watchdog(settings, gone, worker=WORKER), for_s=STALL_S + 2)
    assert child.killed()
    assert factories.status_of(database, claim.job_id) == JobStatus.PROCESSING  # by its lease


def test_time_in_which_the_machine_was_frozen_is_not_held_against_a_child(
    watchdog: Watchdog, child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = iter(range(0, 10**6, 3600))
    monkeypatch.setattr(watchdog_module, "time", SimpleNamespace(monotonic=lambda: next(hours)))
    looks = []
    monkeypatch.setattr(watchdog, "_look", lambda elapsed_s: looks.append(elapsed_s))
    monkeypatch.setattr(watchdog, "_look_s", 0.01)
    watchdog.start()
    wait_for(lambda: len(looks) >= 3, what="three looks")
    watchdog.stop()
    assert set(looks) == {0.02}


def test_what_a_former_worker_of_the_same_name_left_is_forgotten(
    settings: Settings, child: Child
) -> None:
    remove_stale_files(settings.watch_dir, worker="other:1")
    assert [pid for pid, _ in liveness_files(settings.watch_dir, worker=WORKER)] == [
        child.process.pid
    ]
    remove_stale_files(settings.watch_dir, worker=WORKER)
    assert list(liveness_files(settings.watch_dir, worker=WORKER)) == []


def test_an_attempt_that_cannot_write_its_file_goes_on_unwatched(tmp_path: Path) -> None:
    (tmp_path / "watch").write_text("a file where the folder should be")
    path = liveness_file(tmp_path / "watch", worker=WORKER, pid=1)
    with (
        Liveness(path, job_id="job", fence=1, stall_s=STALL_S) as liveness,
        liveness.batch(1.0),
    ):
        liveness.note_progress()


def test_outside_a_worker_nothing_is_shown() -> None:
    with NO_LIVENESS as liveness, liveness.batch(1.0):
        liveness.note_progress()


def test_a_line_caught_half_written_says_nothing(watchdog: Watchdog, child: Child) -> None:
    child.file.write_bytes(b"half a li")
    look(watchdog, for_s=10 * STALL_S)
    assert child.lives()
