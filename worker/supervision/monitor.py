"""Monitor of whether this worker can claim a job now, and why not: examined again and again.

It runs in the main process, on a thread of its own, for a storage on a network may never answer.
What it finds goes into the worker's row and the health port, and turns its hearing of doorbells
off: a worker that claims nothing would else take the doorbells from those that could.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from shared.db import Database
from shared.settings import Settings
from shared.states import START_OBSTACLES, Obstacle
from shared.storage.blob_store import BlobStore
from shared.storage.identity import StorageState, check_storage
from shared.storage.measured_space import WorkSpace

log = structlog.get_logger(__name__)

_SILENT_S = 30.0
"""A look that takes so long is one at a storage that does not answer."""

_START_LOOK_S = 0.5
"""Seconds between looks at what is over within seconds, and keeps a person waiting until it is."""

_NO_NEWS = {Obstacle.STARTING, Obstacle.STORAGE_NEW, Obstacle.MODEL_UNAVAILABLE}
"""Obstacles with which a start begins, and what the child has said with its reason."""

_OBSTACLE_OF = {
    StorageState.NEW: Obstacle.STORAGE_NEW,
    StorageState.MISSING: Obstacle.STORAGE_MISSING,
    StorageState.OTHER: Obstacle.STORAGE_OTHER,
    StorageState.UNPROVEN: Obstacle.STORAGE_UNPROVEN,
    StorageState.UNREACHABLE: Obstacle.STORAGE_UNREACHABLE,
}


@dataclass(frozen=True, slots=True)
class Readiness:
    """Ability of a worker to claim jobs now."""

    obstacles: tuple[Obstacle, ...] = ()
    """Reasons why it claims nothing; empty if it does."""
    work_room_bytes: int | None = None
    work_disk_bytes: int | None = None

    @property
    def leaves_the_queue_alone(self) -> bool:
        """Return whether doorbells are for others. Without the database nobody claims, and a claim
        waits for it; without Redis there are none; and a model that is being loaded will be
        there."""
        passing = {Obstacle.DATABASE, Obstacle.REDIS, Obstacle.STARTING}
        return bool(set(self.obstacles) - passing)


def find_obstacles(db: Database, blobs: BlobStore, work_space: WorkSpace) -> tuple[Obstacle, ...]:
    """Find the obstacles that keep this machine from working on any job. Raises SQLAlchemyError."""
    found = []
    obstacle = _OBSTACLE_OF.get(check_storage(db, blobs))
    if obstacle is not None:
        found.append(obstacle)
    try:
        if not work_space.usable_bytes():
            found.append(Obstacle.NO_ROOM)
    except OSError:
        found.append(Obstacle.NO_ROOM)
    return tuple(found)


class Monitor:
    """Looks every `settings.sweep_s`, five seconds at the most, sooner at a start, until stopped.

    `on_look` is called after every look, with whether it found something else than the last.
    `ping_redis` raises what Redis or Kombu raise.
    """

    def __init__(
        self,
        settings: Settings,
        db: Database,
        blobs: BlobStore,
        work_space: WorkSpace,
        *,
        find_child_obstacle: Callable[[], Obstacle | None],
        ping_redis: Callable[[], object],
        on_look: Callable[[bool], None],
    ) -> None:
        self._db = db
        self._blobs = blobs
        self._work_space = work_space
        self._find_child_obstacle = find_child_obstacle
        self._ping_redis = ping_redis
        self._on_look = on_look
        self._look_s = min(5.0, settings.sweep_s)
        self._readiness = Readiness((Obstacle.STARTING,))
        self._looked_at = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=1.0)

    def lives(self) -> bool:
        return self._thread.is_alive()

    def is_silent(self) -> bool:
        """Return whether an examination takes so long that the storage must be the part that does
        not answer."""
        return time.monotonic() - self._looked_at > self._look_s + _SILENT_S

    def readiness(self) -> Readiness:
        """The readiness as it was found last; a storage that does not answer is an obstacle."""
        if self.is_silent():
            return Readiness((Obstacle.STORAGE_UNREACHABLE,))
        return self._readiness

    def _run(self) -> None:
        try:
            while True:
                found = self._look()
                has_changed = found.obstacles != self._readiness.obstacles
                if has_changed:
                    _tell(found)
                self._readiness, self._looked_at = found, time.monotonic()
                self._on_look(has_changed)
                is_starting = START_OBSTACLES & set(found.obstacles)
                if self._stopped.wait(
                    min(self._look_s, _START_LOOK_S) if is_starting else self._look_s
                ):
                    return
        except BaseException:
            log.critical("the monitor broke; the worker stops", exc_info=True)
            os.kill(os.getpid(), signal.SIGTERM)

    def _look(self) -> Readiness:
        try:
            obstacles = find_obstacles(self._db, self._blobs, self._work_space)
        except SQLAlchemyError:
            obstacles = (Obstacle.DATABASE,)
        if (of_child := self._find_child_obstacle()) is not None:
            obstacles += (of_child,)
        try:
            self._ping_redis()
        except (RedisError, OperationalError, OSError):
            obstacles += (Obstacle.REDIS,)
        try:
            room, disk = self._work_space.usable_bytes(), self._work_space.disk_bytes()
        except OSError:
            return Readiness(obstacles)
        return Readiness(obstacles, room, disk)


def _tell(found: Readiness) -> None:
    if found.obstacles:
        say = log.error if set(found.obstacles) - _NO_NEWS else log.info
        does = "leaves the queue alone" if found.leaves_the_queue_alone else "cannot claim"
        say(does, because=[str(one) for one in found.obstacles])
    else:
        log.info("ready for jobs")
