"""The sweep that every worker's main process runs: lost attempts, jobs nobody was told of, and
a sign of life. Several at once do no harm."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from shared import jobs
from shared.db import Database
from shared.queue import ring, waiting_doorbells
from shared.settings import Settings
from shared.storage import uploads
from shared.storage.blobs import BlobStore

log = structlog.get_logger(__name__)

_RINGS_A_SWEEP = 100
"""After Redis lost everything, a thousand waiting jobs are rung for over some sweeps."""

_LOOK_FOR_EXPIRED_S = 60.0
"""How often jobs and uploads that were kept long enough are looked for: hours need no hurry."""

_ABANDONED_UPLOAD_S = 24 * 3600.0
"""An upload that got no byte for a day was cut off by a crash; a living one has timed out."""


class Reaper:
    """Sweeps every `settings.sweep_s` on a thread until stopped."""

    def __init__(
        self, settings: Settings, db: Database, celery: Celery, *, worker: str, hostname: str
    ) -> None:
        self._settings = settings
        self._db = db
        self._celery = celery
        self._worker = worker
        self._hostname = hostname
        self._blobs = BlobStore(settings.recordings_dir, min_free_bytes=settings.min_free_bytes)
        self._started_at = datetime.now(UTC)
        self._looked_for_expired_at = -_LOOK_FOR_EXPIRED_S
        self._swept_uploads_at = -_LOOK_FOR_EXPIRED_S
        self._answered: datetime | None = None
        self._was_out = True  # a worker that has just started has seen nothing of what was before
        self._patient_until = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reaper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(timeout=self._settings.sweep_s)

    def _run(self) -> None:
        try:
            self._sweep_until_stopped()
        except BaseException:
            # A worker that no longer sweeps would leave lost jobs lost. Better none than half of
            # one: whoever started it starts another.
            log.critical("the sweep broke; the worker stops", exc_info=True)
            os.kill(os.getpid(), signal.SIGTERM)

    def _sweep_until_stopped(self) -> None:
        while True:
            for step in (
                self._show_life,
                self._take_back,
                self._ring_for_the_forgotten,
                self._remove_abandoned_uploads,
                self._delete_expired,
            ):
                self._attempt(step)
            if self._stopped.wait(self._settings.sweep_s):
                return

    def _attempt(self, step: Callable[[], None]) -> None:
        """A sweep outlives any outage: the next one tries again."""
        try:
            step()
        except (SQLAlchemyError, RedisError, OperationalError, OSError) as error:
            self._was_out |= isinstance(error, SQLAlchemyError)
            log.warning("sweep incomplete", step=step.__name__.strip("_"), error=str(error))

    def _show_life(self) -> None:
        self._answered = None
        asked_at = time.monotonic()
        self._answered = jobs.note_worker(
            self._db,
            name=self._worker,
            hostname=self._hostname,
            model=self._settings.model,
            device=self._settings.device,
            jobs_at_once=self._settings.worker_concurrency,
            started_at=self._started_at,
        )
        now = time.monotonic()
        if self._was_out or now - asked_at > self._settings.heartbeat_s:
            heard_s = max(2 * self._settings.heartbeat_s, self._settings.sweep_s)
            self._patient_until = now + heard_s
        self._was_out = False

    def _take_back(self) -> None:
        """End what nobody renewed, unless it could not be: after an outage every lease has run out,
        and their holders get the time of a heartbeat to show that they live."""
        if self._answered is None or time.monotonic() < self._patient_until:
            return
        # Not what ran out since it answered: another outage may have begun then.
        for reaped in jobs.expire_leases(
            self._db,
            max_attempts=self._settings.max_attempts,
            expired_before=self._answered,
        ):
            log.warning("attempt lost", job_id=reaped.job_id, now=reaped.status)

    def _remove_abandoned_uploads(self) -> None:
        removed = self._blobs.sweep_incoming(untouched_s=_ABANDONED_UPLOAD_S)
        if removed:
            log.info("removed abandoned uploads", files=removed)
        if time.monotonic() - self._swept_uploads_at < _LOOK_FOR_EXPIRED_S:
            return
        self._swept_uploads_at = time.monotonic()
        if expired := uploads.sweep(self._db, self._blobs):
            log.info("removed uploads that nobody went on with", uploads=expired)

    def _delete_expired(self) -> None:
        kept = timedelta(days=self._settings.retention_days)
        if not kept or time.monotonic() - self._looked_for_expired_at < _LOOK_FOR_EXPIRED_S:
            return
        self._looked_for_expired_at = time.monotonic()
        while not self._stopped.is_set() and (keys := jobs.delete_expired(self._db, kept=kept)):
            for key in keys:
                self._blobs.delete(key)
            log.info("deleted jobs that were kept long enough", recordings=len(keys))

    def _ring_for_the_forgotten(self) -> None:
        claimable = jobs.queue_summary(self._db).claimable
        if not claimable or not self._blobs.usable_bytes():
            return  # without room on the disk our own children would hear it and do nothing
        missing = claimable - waiting_doorbells(self._celery)
        for _ in range(min(missing, _RINGS_A_SWEEP)):
            if not ring(self._celery, "swept"):
                return
        if missing > 0:
            log.info("rang for waiting jobs", missing=missing)
