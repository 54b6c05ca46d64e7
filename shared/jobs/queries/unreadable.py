"""Jobs of which something that is stored cannot be read or given back: by a defect of an earlier
version, or because somebody wrote into the database.

Such a job is shown with what is left of it and an error, and can be deleted. It fails no list.
"""

from __future__ import annotations

import math
import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared.db import is_unavailable
from shared.errors import PermanentError
from shared.jobs.queries.records import JobRecord, RecordingRecord
from shared.jobs.tallies.audio import LONGEST_S
from shared.models import Job, Recording
from shared.states import JobStatus

log = structlog.stdlib.get_logger(__name__)


class StoredDataUnreadable(PermanentError):
    code = "stored_data_unreadable"
    http_status = 409
    default_message = (
        "Something that is stored of this job cannot be read, so it is not shown in full. "
        "Delete the job, or restore the database from a backup."
    )


def cannot_be_read(error: BaseException) -> bool:
    """Return whether the error comes from a stored value, and not from the database itself."""
    if isinstance(error, DBAPIError):
        return not is_unavailable(error)
    return isinstance(
        error, ValueError | TypeError | ArithmeticError | LookupError | RecursionError
    )


def require_seconds(*lengths: float | None) -> None:
    """Check lengths of time that are stored. Raises ValueError for one that none can have."""
    for length in lengths:
        if length is not None and not (math.isfinite(length) and 0 <= length <= LONGEST_S):
            raise ValueError(f"{length!r} seconds are stored")


def ids_of(session: Session, which: ColumnElement[bool]) -> list[str]:
    """The ids of the jobs for which `which` holds, newest first."""
    joined = select(Job.id).join(Recording, Recording.id == Job.recording_id)
    return list(session.scalars(joined.where(which).order_by(Job.id.desc())))


def remains_of(session: Session, job_id: str) -> JobRecord:
    """Record of a job with a damaged row: its state and what identifies its recording, as far as
    they can be read."""
    log.error("something stored of a job cannot be read", job_id=job_id)
    found: dict[str, Any] = {}
    columns = (Job.status, Job.recording_id, Recording.filename, Recording.blob_key)
    for column in (*columns, Recording.sha256):
        with suppress(DBAPIError):  # one at a time: what one of them holds hides no other
            found[column.key] = session.scalar(
                select(column)
                .select_from(Job)
                .join(Recording, Recording.id == Job.recording_id)
                .where(Job.id == job_id)
            )
    states = {status.value: status for status in JobStatus}
    return JobRecord(
        id=job_id,
        status=states.get(str(found.get("status")), JobStatus.FAILED),
        stage=None,
        progress=0.0,
        priority=0,
        options={},
        created_at=_made_at(job_id),
        started_at=None,
        completed_at=None,
        error_code=None,
        error_message=None,
        warnings=[],
        low_confidence_share=None,
        recording=RecordingRecord(
            id=str(found.get("recording_id") or ""),
            blob_key=str(found.get("blob_key") or ""),
            filename=str(found.get("filename") or "?"),
            size_bytes=0,
            sha256=str(found.get("sha256") or ""),
            duration_s=None,
        ),
        attempts=[],
        is_whole=False,
    )


def _made_at(job_id: str) -> datetime:
    """Time at which an id was made: a UUIDv7 begins with the milliseconds since 1970."""
    milliseconds = 0
    with suppress(ValueError):
        milliseconds = uuid.UUID(job_id).int >> 80
    with suppress(OverflowError):
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
    return datetime.fromtimestamp(0, UTC)
