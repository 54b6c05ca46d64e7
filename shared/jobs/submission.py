"""Accepting a recording: its bytes are safe on disk before this is called, and the doorbell is
rung after it returns.  Likewise accepting another job for a recording that is here already: all
jobs of a recording share its row, and so its bytes, its playable copy, title, date, people and
tags."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.annotations.labels import copy_labels
from shared.db import Database, database_now
from shared.errors import IdempotencyKeyReused, JobNotFound
from shared.jobs.commands import refuse_in_use
from shared.jobs.deletion.retention import days_by_groups
from shared.jobs.eta.throughput import estimate_audio_s
from shared.jobs.events import NewEvent, record
from shared.jobs.known_models import require_known_model
from shared.jobs.queue_limit import (
    NO_LIMIT,
    QueueLimit,
    one_at_a_time,
    refuse_beyond,
)
from shared.jobs.tallies.audio import audio_seconds_sql
from shared.models import Job, Recording, Upload, new_id
from shared.quotas.monthly import count_accepted, count_for, refuse_beyond_quota
from shared.states import EventKind
from shared.storage.blob_store import StoredBlob
from shared.storage.errors import OtherSound
from shared.traces import traceparent
from shared.transcripts.sound_selection import MIXED, SoundSelection
from shared.words.hotwords import OPTION as HOTWORDS
from shared.words.hotwords import attach, digest_of, wants_lists
from shared.words.replacements.job_replacements import keep_group_lists, versions_for

_TRIED_WITHIN_S = 3600.0
"""Seconds that a request and its retry may lie apart: OpenAI's clients wait for 600."""


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
    is_retry: bool = False,
) -> Submission:
    """Make the recording's and the job's rows.

    `job_id` is the id that the job was promised, if it was.
    `is_retry`: the client says that it sends this once more, for want of an answer, and names no
    key: a job that the same request made within the last hour is returned.
    `model` names the only one that may recognise it; None: any.
    `told_s` is the length that the recording's container tells, if it does; else it is guessed
    from the bytes.  `hotwords` are cleaned words that are likely to be said; those of the lists
    come beside them, unless the options decline.  `upload_id` names the upload that the bytes came
    by, if they came in pieces.

    Raises IdempotencyKeyReused if the key belongs to another recording or other options, or
    UnknownModel, ModelChoiceUnavailable, QueueFull, QueueShareFull or MonthlyQuotaUsed.
    """
    options = _with_words(options, hotwords)
    asked = _Asked(blob.sha256, owner_id, options, hotwords, priority, model, idempotency_key)
    try:
        with db.writing() as session:
            if limit != NO_LIMIT:
                # Before the key is looked up: its other request may be on its way to commit.
                one_at_a_time(session)
            if (earlier := _earlier(session, asked)) is not None:
                return earlier
            if is_retry and (tried := _tried_before(session, asked, filename)) is not None:
                return tried
            asked.require_known_model(session, limit)
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
            job_id = job_id or new_id()
            recording = Recording(
                id=new_id(),
                owner_id=owner_id,
                blob_key=blob.key,
                filename=filename,
                size_bytes=blob.size_bytes,
                sha256=blob.sha256,
                estimated_s=length_s,
                counted_s=length_s,
                counted_for=job_id,
            )
            session.add(recording)
            session.flush()
            _add_job(session, asked, job_id, recording.id)
            if upload_id is not None:
                session.execute(
                    update(Upload)
                    .where(Upload.id == upload_id)
                    .values(submitted_at=database_now())
                    .execution_options(synchronize_session=False)
                )
            count_accepted(session, owner_id, length_s)
            return Submission(job_id, created=True)
    except IntegrityError as error:
        return _of_the_other(db, asked, error)


def submit_again(
    db: Database,
    *,
    owner_id: str,
    of_job: str,
    options: dict[str, Any] | None = None,
    hotwords: Sequence[str] = (),
    priority: int = 0,
    idempotency_key: str | None = None,
    limit: QueueLimit = NO_LIMIT,
    model: str | None = None,
) -> Submission:
    """Make another job for the recording of an owner's job that has ended; that job stays as it is.

    The other arguments are those of `submit`.  A recording that was decoded before counts once more
    for the month's use; one that never was counts as if its job were tried again.

    Raises JobNotFound, RecordingInUse while any job of the recording waits or runs, OtherSound, or
    what `submit` raises.
    """
    options = _with_words(options, hotwords)
    asked = _Asked(f"again {of_job}", owner_id, options, hotwords, priority, model, idempotency_key)
    try:
        with db.writing() as session:
            if limit != NO_LIMIT:
                one_at_a_time(session)
            held = _hold_recording(session, owner_id, of_job)
            # Not before: another request with its key may just have made the job that is in use.
            if (earlier := _earlier(session, asked)) is not None:
                return earlier
            refuse_in_use(session, Job.recording_id == held.recording_id)
            _require_same_part(held.options, asked.options)
            asked.require_known_model(session, limit)
            if limit != NO_LIMIT:
                refuse_beyond(session, limit, owner_id, held.length_s)
                if held.was_decoded:
                    refuse_beyond_quota(session, limit.owner, owner_id, held.length_s)
            job_id = new_id()
            _add_job(session, asked, job_id, held.recording_id, counted_again=held.was_decoded)
            copy_labels(session, from_job=of_job, to_job=job_id)
            if held.was_decoded:
                count_accepted(session, owner_id, held.length_s)
            else:
                count_for(session, held.recording_id, job_id)
            return Submission(job_id, created=True)
    except IntegrityError as error:
        return _of_the_other(db, asked, error)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Job that a request asks for."""

    what: str
    """Names the recording by its digest, or the job that is done again."""
    owner_id: str
    options: dict[str, Any]
    hotwords: Sequence[str]
    priority: int
    model: str | None
    key: str | None
    """The request's Idempotency-Key; None without one."""

    def digest(self) -> str:
        """Digest by which a repetition is told from another request with the same key."""
        asked = [self.what, self.options, self.priority]
        if self.model is not None:  # without, digests are those from before there was a choice
            asked.append(self.model)
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    def require_known_model(self, session: Session, limit: QueueLimit) -> None:
        """Check that the named model is known. Raises UnknownModel or ModelChoiceUnavailable."""
        if self.model is not None:
            require_known_model(session, self.model, within_s=limit.seen_within_s)


@dataclass(frozen=True, slots=True)
class _Held:
    """A recording that is here, and the options of the job that it was found by."""

    recording_id: str
    length_s: float
    was_decoded: bool
    options: dict[str, Any]


def _hold_recording(session: Session, owner_id: str, job_id: str) -> _Held:
    """The recording of a job, which nobody deletes or asks for again until this transaction ends.

    Raises JobNotFound.
    """
    # The job before its recording, as whoever deletes it holds them.
    job = session.execute(
        select(Job.recording_id, Job.options)
        .where(Job.id == job_id, Job.owner_id == owner_id)
        .with_for_update(key_share=True)
    ).one_or_none()
    if job is None:
        raise JobNotFound
    duration_s, length_s = session.execute(
        select(Recording.duration_s, audio_seconds_sql())
        .where(Recording.id == job.recording_id)
        .with_for_update()
    ).one()
    return _Held(job.recording_id, float(length_s), duration_s is not None, job.options)


def _require_same_part(before: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Check that a new job hears the same part of a recording as before. Raises OtherSound where
    another single track or channel is to be heard than before, or one instead of all."""
    is_now = SoundSelection.from_options(wanted)
    try:
        was = SoundSelection.from_options(before)
    except ValueError:  # what is stored cannot be read
        was = MIXED
    for then, now in ((was.tracks, is_now.tracks), (was.channels, is_now.channels)):
        if then != now and (isinstance(then, int) or isinstance(now, int)):
            raise OtherSound


def _with_words(options: dict[str, Any] | None, hotwords: Sequence[str]) -> dict[str, Any]:
    chosen = dict(options or {})
    return chosen | {HOTWORDS: digest_of(hotwords)} if hotwords else chosen


def _add_job(
    session: Session,
    asked: _Asked,
    job_id: str,
    recording_id: str,
    *,
    counted_again: bool = False,
) -> None:
    """Make the row of a job, its first event and what it is given of the lists of words."""
    owner_id, options = asked.owner_id, asked.options
    session.add(
        Job(
            id=job_id,
            owner_id=owner_id,
            recording_id=recording_id,
            model=asked.model,
            options=options,
            priority=asked.priority,
            idempotency_key=asked.key,
            request_digest=asked.digest(),
            traceparent=traceparent(),
            kept_days=days_by_groups(session, owner_id),
            counted_again=counted_again,
            **versions_for(session, owner_id, options),
        )
    )
    session.flush()
    record(session, job_id, NewEvent(EventKind.SUBMITTED))
    keep_group_lists(session, job_id, owner_id, options)
    attach(session, job_id, owner_id, asked.hotwords, with_lists=wants_lists(options))


def _of_the_other(db: Database, asked: _Asked, error: IntegrityError) -> Submission:
    """The job of another request with the same key, which came at the same moment: the unique
    constraint let it win. Raises `error` where there is none."""
    with db.reading() as session:
        other = _earlier(session, asked)
    if other is None:
        raise error
    return other


def _earlier(session: Session, asked: _Asked) -> Submission | None:
    """The job that an earlier request with the same key made. Raises IdempotencyKeyReused."""
    if asked.key is None:
        return None
    job = session.scalars(
        select(Job).where(Job.owner_id == asked.owner_id, Job.idempotency_key == asked.key)
    ).one_or_none()
    if job is None:
        return None
    if job.request_digest != asked.digest():
        raise IdempotencyKeyReused(param="Idempotency-Key")
    return Submission(job.id, created=False)


def _tried_before(session: Session, asked: _Asked, filename: str) -> Submission | None:
    """The newest job that the same request made a moment ago, without a key as it has none."""
    if asked.key is not None:
        return None
    job_id = session.scalar(
        select(Job.id)
        .join(Recording, Recording.id == Job.recording_id)
        .where(
            Job.owner_id == asked.owner_id,
            Job.id >= _id_of_before(_TRIED_WITHIN_S),
            Job.request_digest == asked.digest(),
            Job.idempotency_key.is_(None),
            Recording.filename == filename,
        )
        .order_by(Job.id.desc())
        .limit(1)
    )
    return None if job_id is None else Submission(job_id, created=False)


def _id_of_before(seconds: float) -> str:
    """An id below all that were made since then: they begin with the milliseconds."""
    milliseconds = f"{int((time.time() - seconds) * 1000):012x}"
    return f"{milliseconds[:8]}-{milliseconds[8:]}"
