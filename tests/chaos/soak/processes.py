"""The processes of a soak, and the supervisor that starts again what ended."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.chaos.machinery.postgresql_server import PostgresqlServer
from tests.chaos.machinery.step_log import StepLog
from tests.support.stack import Service, Stack
from tests.support.stack_without_http import children, model_processes

LEASE_S = 4.0
"""Lease in seconds, as short as a busy machine allows, so that a soak sees many leases run out."""

RESTART_AFTER_S = 1.0
"""`longscribe serve` waits so long before it starts again what ended; docker a tenth of it."""

BATCH_SIZE_S = 5.0
"""Small, so that a minute of speech is a dozen batches to die between."""


class Kept:
    """A service that is started again whenever it ends. From one thread only: the kernel ties a
    process to the thread that started it."""

    def __init__(self, name: str, begin: Callable[[], Service]) -> None:
        self.name = name
        self._begin = begin
        self._restart_at: float | None = None
        self.restarts = 0
        self.service = begin()

    @property
    def pid(self) -> int:
        return self.service.pid

    @property
    def lives(self) -> bool:
        return self.service.process.poll() is None

    def tend(self) -> None:
        if self.lives:
            return
        now = time.monotonic()
        if self._restart_at is None:
            # What it started may hold its port, or hear doorbells under its name.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._restart_at = now + RESTART_AFTER_S
        elif now >= self._restart_at:
            self._restart_at = None
            self.restarts += 1
            with contextlib.suppress(AssertionError):  # it ended while starting: tended next time
                self.service = self._begin()


class Lane:
    """A web server and a worker."""

    def __init__(self, name: str, stack: Stack, worker_options: list[str]) -> None:
        self.name = name
        self.stack = stack
        self.web = Kept(f"web-{name}", stack.start_web)
        self.worker = Kept(
            f"worker-{name}",
            lambda: stack.start_worker(f"worker-{name}", options=worker_options),
        )

    def web_workers(self) -> list[int]:
        return children(self.web.pid)

    def model_processes(self) -> list[int]:
        return model_processes(self.worker.pid)

    def worker_processes(self) -> list[int]:
        return [self.worker.pid, *children(self.worker.pid)]


class Machinery:
    """Redis, the database and two lanes over one data folder."""

    def __init__(
        self,
        folder: Path,
        database_url: str,
        *,
        postgresql: PostgresqlServer | None,
        model: str,
        batch_takes_s: float,
    ) -> None:
        self.postgresql = postgresql
        self.step_log = StepLog(folder / "step_log")
        env = {
            "LONGSCRIBE_LEASE_S": str(LEASE_S),
            "LONGSCRIBE_BATCH_SIZE_S": str(BATCH_SIZE_S),
            "LONGSCRIBE_LOG_LEVEL": "INFO",
            "FAULTS": str(folder / "faults"),
            "STEP_LOG": str(self.step_log.path),
            "BATCH_TAKES_S": str(batch_takes_s),
        }
        options = ["--include", "tests.support.doubles.faulty_worker"] if model == "stub" else []
        stacks = {name: Stack(folder, database_url, env) for name in ("a", "b")}
        self.redis = Kept("redis", stacks["a"].start_redis)
        self.lanes = {name: Lane(name, stack, options) for name, stack in stacks.items()}

    @property
    def folder(self) -> Path:
        return self.lanes["a"].stack.folder

    @property
    def redis_socket(self) -> Path:
        return self.folder / "redis" / "redis.sock"

    @property
    def kept(self) -> list[Kept]:
        lanes = self.lanes.values()
        return [self.redis, *(lane.web for lane in lanes), *(lane.worker for lane in lanes)]

    def tend(self) -> None:
        for kept in self.kept:
            kept.tend()

    def stop(self) -> None:
        for kept in reversed(self.kept):
            if kept.lives:
                kept.service.kill(signal.SIGCONT)  # it may be frozen
                kept.service.stop()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(kept.pid, signal.SIGKILL)
