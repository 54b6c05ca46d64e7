"""Submission of a received file or a complete upload as a job, in the order that loses nothing.

First the bytes are made durable, then the row is committed, then the doorbell rings. A crash
between two of these leaves a file that no row names, or a job that the next sweep rings for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from werkzeug.datastructures import FileStorage

from shared import jobs
from shared.celery_doorbell import ring
from shared.errors import InvalidRequest, UploadIncomplete
from shared.jobs import Submission
from shared.recordings.length import told_length_s
from shared.storage import uploads
from shared.storage.blob_store import StoredBlob
from shared.traces import record
from web.authentication.priority import require_priority
from web.http.filenames import clean_filename
from web.i18n.languages import N_
from web.monitoring import metrics
from web.services import services
from web.uploads.multipart import received_file

log = structlog.stdlib.get_logger(__name__)

NO_FILE = N_("No file was chosen. Choose a recording to transcribe.")

_WAIT_FOR_ANOTHER_S = 30.0
"""Seconds that a second request for an upload waits while the first hashes gigabytes of it."""


def accept(
    file: FileStorage,
    *,
    owner_id: str,
    options: dict[str, Any] | None = None,
    hotwords: Sequence[str] = (),
    model: str | None = None,
    priority: int = 0,
    idempotency_key: str | None = None,
    is_retry: bool = False,
) -> Submission:
    """Store a file of a form and queue a job for it; `is_retry` is that of `jobs.submit`.

    Raises PriorityNotAllowed, InvalidRequest for an empty file, InsufficientStorage, UnknownModel,
    ModelChoiceUnavailable, QueueFull, or IdempotencyKeyReused.
    """
    require_priority(priority)
    received = received_file(file)
    if received.size_bytes == 0:
        raise InvalidRequest(
            f"The file '{clean_filename(file.filename)}' is empty. Choose another recording."
            if file.filename
            else NO_FILE,
            param="file",
        )
    blob = received.keep()
    submission = _queue(
        blob,
        owner_id=owner_id,
        filename=clean_filename(file.filename),
        options=options or {},
        hotwords=hotwords,
        model=model,
        priority=priority,
        idempotency_key=idempotency_key,
        is_retry=is_retry,
    )
    if not submission.created:
        services().blobs.delete(blob.key)
    announce(submission, model, blob.size_bytes)
    return submission


def accept_bytes(content: bytes, *, owner_id: str, filename: str) -> Submission:
    """Store a recording that this server brings itself, and queue a job for it.

    Raises as `accept`.
    """
    here = services()
    here.require_storage()
    size = len(content)
    with here.blobs.receive(max_bytes=size, expected_bytes=size) as incoming:
        incoming.write(content)
        blob = incoming.keep()
    submission = _queue(
        blob,
        owner_id=owner_id,
        filename=filename,
        options={},
        hotwords=(),
        model=None,
        priority=0,
        idempotency_key=None,
    )
    return announce(submission, None, size)


def accept_upload(
    upload_id: str,
    *,
    owner_id: str,
    options: dict[str, Any] | None = None,
    hotwords: Sequence[str] = (),
    model: str | None = None,
    priority: int = 0,
    idempotency_key: str | None = None,
) -> Submission:
    """Queue a job for a complete upload. Repeated, it returns the same job.

    Raises PriorityNotAllowed, UploadNotFound, UploadExpired, UploadIncomplete, UploadBusy, or what
    queueing raises, and then keeps the bytes so that the request can be repeated.
    """
    require_priority(priority)
    here = services()
    if (job_id := uploads.job_of(here.db, owner_id=owner_id, upload_id=upload_id)) is not None:
        return announce(Submission(job_id, created=False))
    _require_whole(uploads.find(here.db, owner_id=owner_id, upload_id=upload_id))
    here.require_storage()
    with here.blobs.hold_upload(upload_id, wait_s=_WAIT_FOR_ANOTHER_S) as held:
        if (job_id := uploads.job_of(here.db, owner_id=owner_id, upload_id=upload_id)) is not None:
            return announce(Submission(job_id, created=False))
        upload = uploads.renew(
            here.db, owner_id=owner_id, upload_id=upload_id, kept_s=here.uploads_kept_s
        )
        running = here.hashes.take(upload_id, upload.size_bytes)
        blob = held.keep(upload.size_bytes, sha256=running.hexdigest() if running else None)
        try:
            submission = jobs.submit(
                here.db,
                blob=blob,
                owner_id=owner_id,
                filename=upload.filename,
                told_s=told_length_s(here.blobs, blob),
                options=options or {},
                hotwords=hotwords,
                model=model,
                priority=priority,
                idempotency_key=idempotency_key,
                limit=here.queue_limit,
                upload_id=upload_id,
            )
        except IntegrityError:
            # Where the folder supports no locks, another request made a job of this blob first.
            job_id = uploads.job_of(here.db, owner_id=owner_id, upload_id=upload_id)
            if job_id is None:
                raise
            submission = Submission(job_id, created=False)
        else:
            if submission.created:
                record("upload", began=upload.created_at, bytes=blob.size_bytes)
            else:  # its Idempotency-Key made a job of the same bytes before
                here.blobs.delete(blob.key)
                uploads.forget(here.db, owner_id=owner_id, upload_id=upload_id)
    return announce(submission, model, blob.size_bytes)


def _require_whole(upload: uploads.UploadRecord) -> None:
    if upload.is_length_deferred:
        raise UploadIncomplete(
            f"{upload.received_bytes:,} bytes of this upload are here, and its length has not been "
            "told. Send it first, as Upload-Length of a PATCH, which may bring no bytes.",
            param="upload_id",
        )
    if upload.received_bytes < upload.size_bytes:
        raise UploadIncomplete(
            f"{upload.received_bytes:,} of {upload.size_bytes:,} bytes of this upload are here. "
            "Send the rest of it first.",
            param="upload_id",
        )


def announce(
    submission: Submission, model: str | None = None, received_bytes: int = 0
) -> Submission:
    """Count a submission and ring for its job, if it made one."""
    metrics.UPLOADED_BYTES.inc(received_bytes)
    if submission.created:
        metrics.SUBMISSIONS.labels("created").inc()
        rung = ring(services().celery, submission.job_id, model)
        log.info("job submitted", job_id=submission.job_id, bytes=received_bytes, rung=rung)
    else:
        metrics.SUBMISSIONS.labels("repeated").inc()
        log.info("submission repeated", job_id=submission.job_id)
    return submission


def _queue(blob: StoredBlob, **values: Any) -> Submission:
    """Submit a job, and delete its recording if that certainly failed."""
    here = services()
    try:
        told_s = told_length_s(here.blobs, blob)
        return jobs.submit(here.db, blob=blob, told_s=told_s, limit=here.queue_limit, **values)
    except BaseException as error:
        if _committed_perhaps(error):
            log.error("recording kept, its job is in doubt", blob_key=blob.key)
        else:
            here.blobs.delete(blob.key)
        raise


def _committed_perhaps(error: BaseException) -> bool:
    """Return whether the row may have been committed although an error was raised.

    A connection that breaks during COMMIT leaves that open. Deleting the bytes could then leave a
    job without its recording, and a client that repeats its Idempotency-Key would get that job.
    """
    if services().db.is_sqlite or not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
