"""From a received file to a queued job, in the one order in which nothing can be lost.

The bytes are durable, then the row is committed, then the doorbell rings.  A crash between two
of these leaves a file that no row names, or a job that the next sweep rings for.
"""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from werkzeug.datastructures import FileStorage

from shared import jobs
from shared.blobs import StoredBlob
from shared.errors import InvalidRequest
from shared.jobs import Submission
from shared.queue import ring
from web import metrics
from web.filenames import clean_filename
from web.services import services
from web.uploads import received_file

log = structlog.stdlib.get_logger(__name__)


def accept(
    file: FileStorage,
    *,
    owner_id: str,
    options: dict[str, Any] | None = None,
    priority: int = 0,
    idempotency_key: str | None = None,
) -> Submission:
    """Keep the file and queue a job for it.

    Raises InvalidRequest for an empty file, and what keeping and queueing raise.
    """
    received = received_file(file)
    if received.size_bytes == 0:
        raise InvalidRequest(
            f"The file '{clean_filename(file.filename)}' is empty. Choose another recording."
            if file.filename
            else "No file was chosen. Choose a recording to transcribe.",
            param="file",
        )
    blob = received.keep()
    submission = _queue(
        blob,
        owner_id=owner_id,
        filename=clean_filename(file.filename),
        options=options or {},
        priority=priority,
        idempotency_key=idempotency_key,
    )
    metrics.UPLOADED_BYTES.inc(blob.size_bytes)
    if submission.created:
        metrics.SUBMISSIONS.labels("created").inc()
        rung = ring(services().celery, submission.job_id)
        log.info("job submitted", job_id=submission.job_id, bytes=blob.size_bytes, rung=rung)
    else:
        metrics.SUBMISSIONS.labels("repeated").inc()
        services().blobs.delete(blob.key)
        log.info("submission repeated", job_id=submission.job_id)
    return submission


def _queue(blob: StoredBlob, **values: Any) -> Submission:
    try:
        return jobs.submit(services().db, blob=blob, limit=services().queue_limit, **values)
    except BaseException as error:
        if _committed_perhaps(error):
            log.error("recording kept, its job is in doubt", blob_key=blob.key)
        else:
            services().blobs.delete(blob.key)
        raise


def _committed_perhaps(error: BaseException) -> bool:
    """Whether the row may be there although we were not told.

    A connection that dies during COMMIT says nothing about it.  Deleting the bytes then could
    leave a job without its recording, and a client that repeats its Idempotency-Key would be
    handed that job.
    """
    if services().db.is_sqlite or not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
