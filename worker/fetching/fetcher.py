"""The threads of a worker's main process that fetch recordings and make jobs of them.

What one was at when it was killed, another goes on with after the lease; an upload becomes one job,
whoever submits it and however often.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial

import structlog
from celery import Celery
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from shared import jobs
from shared.celery_doorbell import ring
from shared.db import Database
from shared.errors import (
    Cancelled,
    FenceLost,
    IllegalTransition,
    JobNotFound,
    LongscribeError,
    PermanentError,
    TransientError,
    UploadBusy,
    UploadExpired,
    UploadNotFound,
    storage_error,
)
from shared.fetches import fetch_queue
from shared.fetches.errors import FetchTooLong
from shared.fetches.fetch_queue import FetchClaim
from shared.outbound.errors import Stopped
from shared.recordings.length import told_length_s
from shared.settings import Settings
from shared.storage import uploads
from shared.storage.blob_store import BlobStore, StoredBlob
from shared.storage.identity import StorageState, check_storage
from shared.traces import of_job, span, within
from worker.claim_loop import ClaimLoop
from worker.fetching.download import Download

log = structlog.get_logger(__name__)

AT_ONCE = 3
"""Fetches of a worker at once."""

_LEASE_BEYOND_S = 60.0

_PASSING = (TransientError, UploadNotFound, UploadExpired, UploadBusy)
"""Errors that a later attempt may not meet. An upload may be gone with its time or its owner's
hand-over; it is begun anew."""


class Fetcher(ClaimLoop[Download]):
    """Fetches recordings until stopped."""

    def __init__(self, settings: Settings, db: Database, blobs: BlobStore, celery: Celery) -> None:
        super().__init__("fetch", sweep_s=settings.sweep_s)
        self._settings = settings
        self._db = db
        self._blobs = blobs
        self._celery = celery
        self._lease_s = settings.upload_silence_s + _LEASE_BEYOND_S

    def _claim(self, under_way: Collection[Download]) -> tuple[Download, Callable[[], None]] | None:
        if len(under_way) >= AT_ONCE:
            return None
        claim = fetch_queue.claim_next(
            self._db, lease_s=self._lease_s, longest_s=self._settings.fetch_hours * 3600
        )
        if claim is None:
            return None
        if check_storage(self._db, self._blobs) is not StorageState.SOUND:
            fetch_queue.release(self._db, claim)  # left to a worker that sees it
            return None
        download = Download(claim, self._settings, self._db, self._blobs)
        return download, partial(self._fetch, claim, download)

    def _fetch(self, claim: FetchClaim, download: Download) -> None:
        with (
            structlog.contextvars.bound_contextvars(fetch=claim.fetch_id, fence=claim.fence),
            within(of_job(claim.fetch_id, claim.submission.traceparent)),
        ):
            log.info("fetching is over", outcome=self._run_to_its_end(claim, download))

    def _run_to_its_end(self, claim: FetchClaim, download: Download) -> str:
        """The outcome, in words for the log. It is stored, or nothing is and the lease runs out."""
        try:
            return self._run_one(claim, download)
        except Cancelled:
            with suppress(JobNotFound, IllegalTransition):  # it may have become a job meanwhile
                jobs.cancel(self._db, owner_id=claim.owner_id, job_id=claim.fetch_id)
            self._remove(claim)
            return "cancelled"
        except FenceLost:
            return "lost the lease; another worker has it, or it is gone"
        except SQLAlchemyError as error:
            log.error("database failed", error=str(error.__cause__ or error))
            return "left until its lease runs out"

    def _run_one(self, claim: FetchClaim, download: Download) -> str:
        try:
            job_id = self._job_of(claim)
            if job_id is None:
                if claim.left_s <= 0:
                    raise FetchTooLong
                with span(
                    "fetch", kind="client", job_id=claim.fetch_id, failures=claim.failures
                ) as fetched:
                    blob = download.run()
                    fetched.note(bytes=blob.size_bytes)
                self._submit(claim, blob)
            fetch_queue.submitted(self._db, claim)
            ring(self._celery, claim.fetch_id, claim.submission.model)
            return "submitted"
        except Stopped:
            fetch_queue.release(self._db, claim)
            return "released"
        except (Cancelled, FenceLost, SQLAlchemyError):
            raise
        except Exception as raised:  # noqa: BLE001 - the boundary
            return self._end_by_error(claim, download, raised)

    def _job_of(self, claim: FetchClaim) -> str | None:
        """The job that an attempt made of it which could not say so."""
        return uploads.job_of(self._db, owner_id=claim.owner_id, upload_id=claim.fetch_id)

    def _submit(self, claim: FetchClaim, blob: StoredBlob) -> None:
        wanted = claim.submission
        try:
            jobs.submit(
                self._db,
                owner_id=claim.owner_id,
                blob=blob,
                filename=claim.filename,
                told_s=told_length_s(self._blobs, blob),
                options=wanted.options,
                hotwords=wanted.hotwords,
                model=wanted.model,
                priority=wanted.priority,
                limit=jobs.queue_limit_of(self._settings),
                upload_id=claim.fetch_id,
                job_id=claim.fetch_id,
            )
        except IntegrityError:
            if self._job_of(claim) is None:
                raise

    def _end_by_error(self, claim: FetchClaim, download: Download, raised: Exception) -> str:
        error: Exception = storage_error(raised) if isinstance(raised, OSError) else raised
        if not isinstance(error, LongscribeError):
            log.error("a recording could not be fetched", exc_info=raised)
            error = TransientError(TransientError.default_message)
        asked_s = float(getattr(error, "retry_after_s", None) or 0.0)
        is_passing = isinstance(error, _PASSING) or not isinstance(error, PermanentError)
        if is_passing and fetch_queue.retry_later(
            self._db, claim, error, has_moved=download.has_moved, asked_s=asked_s
        ):
            return f"to be tried again: {error.code}"
        fetch_queue.fail(self._db, claim, error)
        self._remove(claim)
        return f"failed: {error.code}"

    def _remove(self, claim: FetchClaim) -> None:
        """Remove what came of it. What cannot be removed now, the sweep of uploads does."""
        with suppress(UploadBusy, OSError):
            uploads.remove(self._db, self._blobs, owner_id=claim.owner_id, upload_id=claim.fetch_id)
