"""Sweep of every worker's main process: it records that the worker lives and rings for waiting
jobs. One of all workers also ends expired leases, folds tallies and indexes searched texts, and one
that sees the storage removes what is old (`shared.jobs.scheduling.sweep_turns`)."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from shared import accounts, audit, jobs, owner_data
from shared.celery_doorbell import ring, waiting_doorbells
from shared.db import Database
from shared.fetches import requests as fetches
from shared.notifications.forget_channels import forget_signed_out
from shared.search import entries
from shared.settings import Settings
from shared.states import STORAGE_OBSTACLES, Obstacle
from shared.storage import upload_cleanup
from shared.storage.configured import open_blob_store
from shared.transcripts.values import DECODED_BYTES_A_SECOND
from shared.webhooks import retention as deliveries
from shared.webhooks.channels import kinds_sent
from worker.monitoring.counts import tally
from worker.supervision.lease_grace import OutageGrace
from worker.supervision.monitor import Readiness
from worker.supervision.worker_files import model_takes_hotwords

log = structlog.get_logger(__name__)

_RINGS_A_SWEEP = 100
_RINGS_A_SWEEP_WITHOUT_ROOM = 10
"""Doorbells in one sweep at most: a thousand waiting jobs take some sweeps after Redis lost all."""

_LOOK_FOR_EXPIRED_S = 60.0
"""Seconds between looks for what was kept long enough, jobs, uploads and rows of other kinds: hours
need no hurry."""

_INDEXING_S = 1.0
"""Seconds of a sweep for texts that the search index does not have yet."""

_ERASING_S = 2.0
"""Seconds of a sweep for one account that is being erased."""

_ABANDONED_UPLOAD_S = 24 * 3600.0
"""An upload that got no byte for a day was cut off by a crash; a living one has timed out."""


_SWEEPS_A_TURN = 3
"""A worker that sweeps for all and does not come back for so many sweeps is replaced."""


class Sweeper:
    """Sweeps every `settings.sweep_s`, and when asked to, on a thread until stopped."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        celery: Celery,
        *,
        worker: str,
        hostname: str,
        model_name: str,
        readiness: Callable[[], Readiness],
        gpus: Callable[[], Sequence[jobs.Gpu]] = tuple,
    ) -> None:
        self._settings = settings
        self._db = db
        self._celery = celery
        self._worker = worker
        self._hostname = hostname
        self._model_name = model_name
        self._blobs = open_blob_store(settings)
        self._readiness = readiness
        self._gpus = gpus
        self._started_at = datetime.now(UTC)
        self._looked_at: dict[str, float] = {}
        """Time of the last look for each kind of what was kept long enough."""
        self._start: jobs.SweepStart | None = None
        """Values that this sweep began with; None where the database did not answer."""
        self._grace = OutageGrace(
            lease_s=settings.lease_s, heartbeat_s=settings.heartbeat_s, sweep_s=settings.sweep_s
        )
        self._began_at = time.monotonic()
        self._was_late = False
        self._stopped = False
        self._due = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def sweep_soon(self) -> None:
        """Sweep now: what this worker can do has changed, and others should know."""
        self._due.set()

    def stop(self) -> None:
        self._stopped = True
        self._due.set()
        self._thread.join(timeout=self._settings.sweep_s)

    def lives(self) -> bool:
        return self._thread.is_alive()

    def record_obstacles(self, *obstacles: Obstacle) -> None:
        """Leave with the worker's row why it ends. Raises SQLAlchemyError."""
        jobs.note_worker(self._db, self._report(Readiness(obstacles)))

    def _run(self) -> None:
        try:
            self._sweep_until_stopped()
        except BaseException:
            # A worker that no longer sweeps would never end expired leases. It stops, so that
            # whatever supervises it starts another.
            log.critical("the sweep broke; the worker stops", exc_info=True)
            os.kill(os.getpid(), signal.SIGTERM)

    def _sweep_until_stopped(self) -> None:
        while True:
            for step in (
                self._begin,
                self._ring_for_waiting_jobs,
                self._sweep_for_all,
            ):
                self._run_step(step)
            self._due.wait(self._settings.sweep_s)
            self._due.clear()
            if self._stopped:
                return

    def _sweep_for_all(self) -> None:
        if self._start is None:
            return
        steps = {
            jobs.Duty.JOBS: (
                self._end_expired_leases,
                self._fold_tallies,
                self._index_for_search,
                self._forget_workers,
                self._forget_audit_entries,
                self._forget_sign_ins,
                self._forget_deliveries,
                self._forget_fetches,
            ),
            jobs.Duty.STORAGE: (
                self._remove_abandoned_uploads,
                self._delete_expired,
                self._erase_accounts,
            ),
        }
        if self._sees_no_storage():
            del steps[jobs.Duty.STORAGE]  # left to a worker that does
        for_s = _SWEEPS_A_TURN * self._settings.sweep_s
        turns = jobs.take_sweep_turns(
            self._db, steps, worker=self._worker, for_s=for_s, held=self._start.held
        )
        for duty in sorted(turns):
            for step in steps[duty]:
                self._run_step(step)

    def _run_step(self, step: Callable[[], None]) -> None:
        """Run one step; when the database or Redis is unavailable the next sweep tries again."""
        try:
            step()
        except (SQLAlchemyError, RedisError, OperationalError, OSError) as error:
            self._grace.note_error(error)
            log.warning("sweep incomplete", step=step.__name__.strip("_"), error=str(error))

    def _begin(self) -> None:
        self._start = None
        asked_at = time.monotonic()
        is_late = asked_at - self._began_at > self._settings.lease_s + self._settings.sweep_s
        if is_late and not self._was_late:  # again and again: it is not stopped, but slow
            self._grace.note_absence()
        self._began_at, self._was_late = asked_at, is_late
        readiness = self._readiness()
        self._start = jobs.begin_sweep(
            self._db, self._report(readiness), most=self._most_rings(readiness)
        )
        self._grace.note_answer(asked_at=asked_at, seen_at=self._start.seen_at)

    def _report(self, readiness: Readiness) -> jobs.WorkerReport:
        return jobs.WorkerReport(
            name=self._worker,
            hostname=self._hostname,
            model=self._settings.model,
            model_name=self._model_name,
            device=self._settings.device,
            jobs_at_once=self._settings.worker_concurrency,
            started_at=self._started_at,
            obstacles=readiness.obstacles,
            work_room_bytes=readiness.work_room_bytes,
            work_disk_bytes=readiness.work_disk_bytes,
            takes_hotwords=model_takes_hotwords(self._settings.resolved_health_dir, os.getpid()),
            gpus=jobs.Gpu.write(self._gpus()),
        )

    def _most_rings(self, readiness: Readiness) -> int:
        # Those that wait for more room than there is count too, and each ring would be for nothing.
        is_short = readiness.work_room_bytes is not None and readiness.work_room_bytes < (
            self._settings.max_audio_s * DECODED_BYTES_A_SECOND
        )
        return _RINGS_A_SWEEP_WITHOUT_ROOM if is_short else _RINGS_A_SWEEP

    def _end_expired_leases(self) -> None:
        """End the attempts whose lease was not renewed, unless nobody could renew it.

        After an outage of the database, a leap of its clock or a stop of all processes every lease
        has expired, and the holders get the time of a heartbeat to show that they live.
        """
        if self._start is None or not self._grace.is_over():
            return
        # Not what ran out since it answered: another outage may have begun then.
        for reaped in jobs.expire_leases(
            self._db,
            max_attempts=self._settings.max_attempts,
            expired_before=self._start.seen_at,
        ):
            tally.note_lost()
            log.warning("attempt lost", job_id=reaped.job_id, now=reaped.status)

    def _fold_tallies(self) -> None:
        jobs.fold(self._db)

    def _sees_no_storage(self) -> bool:
        """Return whether rows must be kept because the bytes that they name cannot be removed with
        them."""
        return bool(STORAGE_OBSTACLES & set(self._readiness().obstacles))

    def _remove_abandoned_uploads(self) -> None:
        if self._sees_no_storage():
            return
        removed = upload_cleanup.sweep_incoming(self._blobs, untouched_s=_ABANDONED_UPLOAD_S)
        if removed:
            log.info("removed abandoned uploads", files=removed)
        self._now_and_then("uploads", self._sweep_uploads)

    def _sweep_uploads(self) -> None:
        if expired := upload_cleanup.sweep(self._db, self._blobs):
            log.info("removed uploads that nobody went on with", uploads=expired)

    def _now_and_then(self, kind: str, sweep: Callable[[], object]) -> None:
        """Call `sweep`, but not within a minute of the last time that it did not fail."""
        looked_at = time.monotonic()
        last = self._looked_at.get(kind)
        if last is None or looked_at - last >= _LOOK_FOR_EXPIRED_S:
            sweep()
            self._looked_at[kind] = looked_at

    def _delete_expired(self) -> None:
        if not self._sees_no_storage():
            self._now_and_then("jobs", self._delete_expired_jobs)

    def _delete_expired_jobs(self) -> None:
        kept = timedelta(days=self._settings.retention_days)
        rules = [(timedelta(days=days), days) for days in jobs.group_rules(self._db)]
        for after, days in [(kept, None), *rules] if kept else rules:
            while not self._stopped and (
                deleted := jobs.delete_expired(self._db, self._blobs, kept=after, kept_days=days)
            ):
                log.info("deleted jobs that were kept long enough", jobs=deleted)

    def _erase_accounts(self) -> None:
        """Go on with the erasures that whoever asked for them did not see to their end."""
        if self._sees_no_storage():
            return
        for user_id in owner_data.asked_for(self._db):
            left = owner_data.go_on(self._db, self._blobs, user_id, within_s=_ERASING_S)
            log.info("an account is being erased", account=user_id, jobs=left.jobs)

    def _index_for_search(self) -> None:
        if indexed := entries.catch_up(self._db, within_s=_INDEXING_S):
            log.debug("indexed jobs for the search", jobs=indexed)

    def _forget_workers(self) -> None:
        self._now_and_then("workers", lambda: jobs.forget_workers(self._db))

    def _forget_audit_entries(self) -> None:
        kept_s = timedelta(days=self._settings.audit_days).total_seconds()
        if kept_s:
            forget = partial(audit.forget, self._db, kept_s=kept_s)
            self._now_and_then("audit", partial(self._forget_all, "audit entries", forget))
            self._now_and_then("keys", lambda: accounts.forget_revoked(self._db, kept_s=kept_s))

    def _forget_sign_ins(self) -> None:
        limits = accounts.session_limits(self._settings)
        self._now_and_then("sign-ins", lambda: accounts.forget_over(self._db, limits))
        self._now_and_then("browsers", lambda: forget_signed_out(self._db))

    # Not with whoever sends and fetches: the operator may have switched that off since.

    def _forget_deliveries(self) -> None:
        forget = partial(deliveries.sweep, self._db, sent=kinds_sent(self._settings))
        self._now_and_then("deliveries", partial(self._forget_all, "deliveries", forget))

    def _forget_fetches(self) -> None:
        goes_on = self._settings.url_input == "on"
        forget = partial(fetches.sweep, self._db, goes_on=goes_on)
        self._now_and_then("fetches", partial(self._forget_all, "fetches", forget))

    def _forget_all(self, what: str, forget_some: Callable[[], int]) -> None:
        while not self._stopped and (forgotten := forget_some()):
            log.info("deleted rows that were kept long enough", of=what, rows=forgotten)

    def _ring_for_waiting_jobs(self) -> None:
        if self._start is None or self._readiness().leaves_the_queue_alone:
            return  # our own children would do nothing, and other workers ring for themselves
        claimable = self._start.claimable
        for model, count in ((None, claimable.for_any), (self._model_name, claimable.of_model)):
            if count and not self._ring(model, count - waiting_doorbells(self._celery, model)):
                return

    def _ring(self, model: str | None, missing: int) -> bool:
        for _ in range(missing):
            if not ring(self._celery, "swept", model):
                return False
        if missing > 0:
            log.info("rang for waiting jobs", missing=missing, model=model)
        return True
