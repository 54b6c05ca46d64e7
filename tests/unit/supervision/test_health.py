"""When a worker says that it is ill, and when only that it is not ready."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from shared.states import Obstacle
from worker.supervision import health
from worker.supervision.health import Health, Pulse
from worker.supervision.monitor import Readiness
from worker.supervision.worker_files import child_states, health_folder


class Parts:
    """What a health is put together from, all well at first."""

    def __init__(self) -> None:
        self.obstacles: tuple[Obstacle, ...] = ()
        self.children: dict[int, Obstacle | None] = {7: None}
        self.thread_lives = True
        self.pulse = Pulse()
        self.health = Health(
            "here:1",
            readiness=lambda: Readiness(self.obstacles),
            living_children=lambda: self.children,
            threads={"sweeper": lambda: self.thread_lives},
            pulse=self.pulse,
        )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, which the test sets."""
    now = [time.monotonic()]
    monkeypatch.setattr(health.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def parts(clock: list[float]) -> Parts:
    return Parts()


def test_a_thread_that_ended_is_ill(parts: Parts) -> None:
    assert parts.health.ills() == []
    parts.thread_lives = False
    assert parts.health.ills() == ["the thread 'sweeper' has ended"]


def test_a_loop_that_stands_is_ill_but_not_while_it_connects_to_redis(
    parts: Parts, clock: list[float]
) -> None:
    clock[0] += 61
    assert parts.health.ills() == []  # Redis was last seen to be away too short a time ago
    clock[0] += 60
    parts.health.ills()
    assert parts.health.ills() == ["Celery's loop has not moved for 121 s"]
    parts.obstacles = (Obstacle.REDIS,)
    assert parts.health.ills() == []
    clock[0] += 200
    assert parts.health.ills() == []
    parts.obstacles = ()
    clock[0] += 121
    assert parts.health.ills() != []
    parts.pulse.beat()
    assert parts.health.ills() == []


def test_no_child_for_a_minute_is_ill(parts: Parts, clock: list[float]) -> None:
    parts.health.ills()
    parts.children = {}
    clock[0] += 59
    parts.pulse.beat()
    assert parts.health.ills() == []
    clock[0] += 2
    assert parts.health.ills() == ["no child for 61 s"]
    parts.children = {8: Obstacle.STARTING}
    assert parts.health.ills() == []


def test_a_child_whose_file_a_full_disk_left_empty_lives(tmp_path: Path) -> None:
    (tmp_path / "1.7.child").touch()
    assert child_states(tmp_path, 1) == {7: Obstacle.STARTING}


def test_a_folder_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(PermissionError, match="LONGSCRIBE_HEALTH_DIR"):
        health_folder(tmp_path)
