"""Accepting a recording: its bytes are safe on disk before this is called, and the doorbell is
rung after it returns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.db import Database, database_now
from shared.errors import IdempotencyKeyReused
from shared.jobs.eta.throughput import estimate_audio_s
from shared.jobs.events import NewEvent, record
from shared.jobs.limit import (
    NO_LIMIT,
    QueueLimit,
    one_at_a_time,
    refuse_beyond,
)
from shared.jobs.queries.models import require_known_model
from shared.models import Job, Recording, Upload, new_id
from shared.quotas.monthly import count_accepted, refuse_beyond_quota
from shared.states import EventKind
from shared.storage.blob_store import StoredBlob
from shared.traces import traceparent
from shared.words.hotwords import OPTION as HOTWORDS
from shared.words.hotwords import attach, digest_of, wants_lists
from shared.words.replacements.of_job import versions_for


@dataclass(frozen=True, slots=True)
class Submission:
    """The job, and whether this request made it.

    When `created` is False an earlier request with the same key did, and the caller drops the
    bytes that it has just stored.
    """

    job_id: str
    created: bool


def submit(
    db: Database,
    *,
    owner_id: str,
    blob: StoredBlob,
    filename: str,
    told_s: float | None = None,
    options: dict[str, Any] | None = None,
    hotwords: Sequence[str] = (),
    priority: int = 0,
    idempotency_key: str | None = None,
    limit: QueueLimit = NO_LIMIT,
    upload_id: str | None = None,
    model: str | None = None,
    job_id: str | None = None,
) -> Submission:
    """Make the recording's and the job's rows.

    `job_id` is the id that the job was promised, if it was.
    `model` names the only one that may recognise it; None: any.
    `told_s` is the length that the recording's container tells, if it does; else it is guessed
    from the bytes.  `hotwords` are cleaned words that are likely to be said; those of the lists
    come beside them, unless the options decline.  `upload_id` names the upload that the bytes came
    by, if they came in pieces.

    Raises IdempotencyKeyReused if the key belongs to another recording or other options, or
    UnknownModel, ModelChoiceUnavailable, QueueFull, QueueShareFull or MonthlyQuotaUsed.
    """
    options = dict(options or {})
    if hotwords:
        options[HOTWORDS] = digest_of(hotwords)
    asked = [blob.sha256, options, priority]
    if model is not None:  # without, the digests are those from before there was a choice
        asked.append(model)
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    try:
        with db.writing() as session:
            if limit != NO_LIMIT:
                # Before the key is looked up: its other request may be on its way to commit.
                one_at_a_time(session)
            if idempotency_key is not None:
                earlier = _earlier(session, owner_id, idempotency_key, digest)
                if earlier is not None:
                    return earlier
            if model is not None:
                require_known_model(session, model, within_s=limit.seen_within_s)
            length_s = estimate_audio_s(
                session,
                filename=filename,
                size_bytes=blob.size_bytes,
                longest_s=limit.longest_s,
                told_s=told_s,
            )
            if limit != NO_LIMIT:
                refuse_beyond(session, limit, owner_id, length_s)
                refuse_beyond_quota(session, limit.owner, owner_id, length_s)
            recording = Recording(
                owner_id=owner_id,
                blob_key=blob.key,
                filename=filename,
                size_bytes=blob.size_bytes,
                sha256=blob.sha256,
                estimated_s=length_s,
                counted_s=length_s,
            )
            job = Job(
                id=job_id or new_id(),
                owner_id=owner_id,
                recording=recording,
                model=model,
                options=options,
                priority=priority,
                idempotency_key=idempotency_key,
                request_digest=digest,
                traceparent=traceparent(),
                **versions_for(session, owner_id, options),
            )
            session.add(job)
            session.flush()
            if upload_id is not None:
                session.execute(
                    update(Upload)
                    .where(Upload.id == upload_id)
                    .values(submitted_at=database_now())
                    .execution_options(synchronize_session=False)
                )
            count_accepted(session, owner_id, length_s)
            record(session, job.id, NewEvent(EventKind.SUBMITTED))
            attach(session, job.id, owner_id, hotwords, with_lists=wants_lists(options))
            return Submission(job.id, created=True)
    except IntegrityError:
        # Two requests with one key at the same moment: the unique constraint let the other win.
        if idempotency_key is None:
            raise
        with db.reading() as session:
            earlier = _earlier(session, owner_id, idempotency_key, digest)
        if earlier is None:
            raise
        return earlier


def _earlier(session: Session, owner_id: str, key: str, digest: str) -> Submission | None:
    job = session.scalars(
        select(Job).where(Job.owner_id == owner_id, Job.idempotency_key == key)
    ).one_or_none()
    if job is None:
        return None
    if job.request_digest != digest:
        raise IdempotencyKeyReused(param="Idempotency-Key")
    return Submission(job.id, created=False)
