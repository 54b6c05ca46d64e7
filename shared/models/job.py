"""Recordings, the jobs that ask for their transcripts, and what became of each attempt."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    ColumnElement,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from shared.db import database_now
from shared.models.base import Base, BigId, Id, allowed, in_state, new_id
from shared.states import RUNNING, TERMINAL, AttemptOutcome, EventKind, JobStatus, Stage
from shared.text_folding import fold, seen

_LONGEST_NAME = 255


def _folded_name(context: Any) -> str:
    folded = fold(seen(context.get_current_parameters()["filename"]))
    return folded[:_LONGEST_NAME]


def _of_some(name: str, *columns: Any, where: str, **options: Any) -> Index:
    """An index of the rows for which `where` holds. A statement uses it if it says the same in its
    own text, and not in a parameter."""
    condition = text(where)
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition, **options)


class Recording(Base):
    """Immutable audio as it was submitted."""

    __tablename__ = "recordings"
    __table_args__ = (
        _of_some("recordings_decoded", "id", where="duration_s > 0"),
        # All that is read where the bytes that are stored are summed anew, to correct the tallies.
        Index("recordings_of_owner", "owner_id", "size_bytes", "playable_bytes"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(String(64))
    blob_key: Mapped[str] = mapped_column(String(200), unique=True)
    filename: Mapped[str] = mapped_column(String(_LONGEST_NAME))
    folded_name: Mapped[str | None] = mapped_column(String(_LONGEST_NAME), default=_folded_name)
    """The name as it is searched; null in what a version before it submitted."""
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    duration_s: Mapped[float | None] = mapped_column(Float)
    """Length in seconds; null until the recording was decoded."""
    estimated_s: Mapped[float | None] = mapped_column(Float)
    """Length in seconds, estimated from the bytes when the recording was submitted."""
    counted_s: Mapped[float | None] = mapped_column(Float)
    """Seconds for which it counts in its month's use; null in what a version before it
    submitted."""
    counted_for: Mapped[str | None] = mapped_column(Id)
    """Job that these count for: the last that was asked for before it was decoded; null where a
    version before it submitted all of its jobs."""
    playable_key: Mapped[str | None] = mapped_column(String(200))
    """The blob of its playable copy. Chosen before the copy is stored, so that it is known to whom
    its bytes belong whatever happens; the copy is there once `playable_bytes` is."""
    playable_bytes: Mapped[int | None] = mapped_column(BigInteger)
    playable_type: Mapped[str | None] = mapped_column(String(64))
    """Media type of the playable copy."""
    created_at: Mapped[datetime] = mapped_column(default=database_now())

    title: Mapped[str | None] = mapped_column(String(_LONGEST_NAME))
    """Title that a person gave; null: the file's name without the suffix."""
    held_on: Mapped[date | None] = mapped_column(Date)
    """The day on which it was recorded, as a person said; null: when it was submitted."""
    people: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    tags: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    """Tags in the order that the person gave, as are `people`; null: none."""
    folded_details: Mapped[str | None] = mapped_column(Text)
    """Title, people and tags as they are searched."""


class Job(Base):
    """Request for a transcript, and while it runs the lease on it."""

    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint(allowed("status", JobStatus), name="jobs_status_known"),
        CheckConstraint(allowed("stage", Stage), name="jobs_stage_known"),
        CheckConstraint("progress >= 0 AND progress <= 1", name="jobs_progress_is_a_share"),
        UniqueConstraint("owner_id", "idempotency_key", name="jobs_idempotency_key_once"),
        # What waits stands in one of two: an owner's jobs for any worker are not looked for among
        # thousands for workers of another model.
        _of_some(
            "jobs_waiting_for_any",
            *("owner_id", text("(-priority)"), "queued_at", "id"),
            where=f"{in_state('status', JobStatus.QUEUED)} AND model IS NULL",
            # PostgreSQL does not see that the priority can be told from its negative.
            postgresql_include=["priority"],
        ),
        _of_some(
            "jobs_waiting_for_model",
            *("model", "owner_id", text("(-priority)"), "queued_at", "id"),
            where=f"{in_state('status', JobStatus.QUEUED)} AND model IS NOT NULL",
            postgresql_include=["priority"],
        ),
        _of_some("jobs_running", "owner_id", where=in_state("status", *RUNNING)),
        _of_some("jobs_ended", "completed_at", where=in_state("status", *TERMINAL)),
        _of_some("jobs_kept_for_days", "kept_days", "completed_at", where="kept_days IS NOT NULL"),
        Index("jobs_of_owner", "owner_id", "id"),
        Index("jobs_of_owner_by_status", "owner_id", "status", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(String(64))
    recording_id: Mapped[str] = mapped_column(ForeignKey("recordings.id"), index=True)
    status: Mapped[str] = mapped_column(String(16), default=JobStatus.QUEUED)
    stage: Mapped[str | None] = mapped_column(String(16))
    progress: Mapped[float] = mapped_column(Float, default=0.0)
    priority: Mapped[int] = mapped_column(Integer, default=0)
    model: Mapped[str | None] = mapped_column(String(255))
    """The only one that may recognise it, by the name that workers give it; null: any."""
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    request_digest: Mapped[str] = mapped_column(String(64))
    traceparent: Mapped[str | None] = mapped_column(String(55))
    """The span of the request that it was accepted in, as W3C Trace Context writes it; null where
    nothing is traced."""

    created_at: Mapped[datetime] = mapped_column(default=database_now())
    queued_at: Mapped[datetime] = mapped_column(default=database_now())
    available_at: Mapped[datetime] = mapped_column(default=database_now())
    """Time from which a worker may take the job; later than `queued_at` after a passing error."""
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]

    replacements_version: Mapped[int | None] = mapped_column(Integer)
    """Version of its owner's list of replacements when it was submitted; null: none is applied."""
    shared_replacements_version: Mapped[int | None] = mapped_column(Integer)
    """Version of everybody's list of replacements when it was submitted; null: none is applied."""
    kept_days: Mapped[int | None] = mapped_column(Integer)
    """Days for which the job is kept after its end, the fewest of its owner's groups when it was
    submitted; null: no group has a rule."""

    counted_again: Mapped[bool | None] = mapped_column(Boolean)
    """True if its recording, which was decoded for another job before, counts once more for this
    one."""

    fence: Mapped[int] = mapped_column(Integer, default=0)
    """Counts claims. Whoever holds an older number writes nothing."""
    lease_expires_at: Mapped[datetime | None]
    failed_attempts: Mapped[int] = mapped_column(Integer, default=0)
    """Attempts lost or ended by a passing error since it was last asked for, or since all of its
    words are there."""

    plan_key: Mapped[str | None] = mapped_column(String(64))
    """Key of the stored segments that count: a hash of the model's revision and the decode
    options."""
    planned_segments: Mapped[int | None] = mapped_column(Integer)

    error_code: Mapped[str | None] = mapped_column(String(40))
    error_message: Mapped[str | None] = mapped_column(Text)
    warnings: Mapped[list[Any]] = mapped_column(default=list)
    low_confidence_share: Mapped[float | None] = mapped_column(Float)
    """Share of its transcript's words below the threshold; null until there is one, and where its
    words have no confidence."""
    recording_report: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True), deferred=True
    )
    """Report as `RecordingReport.to_json` writes it; null until every word is there. Kilobytes of
    it, so only who shows a single job loads it."""

    recording: Mapped[Recording] = relationship(lazy="raise")
    attempts: Mapped[list[Attempt]] = relationship(
        lazy="raise", order_by="Attempt.number", viewonly=True
    )

    @validates("status")
    def _status_is_written_by_transitions_only(self, key: str, value: str) -> str:
        raise AttributeError("Job.status changes only through shared.jobs, in one SQL statement")


def in_one_of(*states: JobStatus) -> ColumnElement[bool]:
    """The condition that a job is in one of `states`, as the indexes of jobs in some states ask
    for it: what stands in a parameter would be known only after an index is chosen."""
    words: list[ColumnElement[str]] = [
        literal_column(repr(state.value)) for state in sorted(states)
    ]
    return Job.status == words[0] if len(words) == 1 else Job.status.in_(words)


class Attempt(Base):
    """Run of a job by a worker; `fence` is the number that its writes carry.

    What it recognised is counted with each batch, in the transaction that commits the batch's
    words, so the counts are those of the stored segments however the attempt ended.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        CheckConstraint(allowed("outcome", AttemptOutcome), name="attempts_outcome_known"),
        UniqueConstraint("job_id", "fence", name="attempts_fence_once"),
        _of_some("attempts_to_learn_from", "id", where="number = 1 AND outcome = 'completed'"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    fence: Mapped[int] = mapped_column(Integer)
    worker: Mapped[str] = mapped_column(String(255))
    last_write: Mapped[str | None] = mapped_column(Id)
    """The newest of its writes, by the name that its worker gave it. A worker that did not hear
    whether a COMMIT came through finds out here."""
    started_at: Mapped[datetime] = mapped_column(default=database_now())
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))
    error_code: Mapped[str | None] = mapped_column(String(40))
    error_message: Mapped[str | None] = mapped_column(Text)

    model: Mapped[str | None] = mapped_column(String(255))
    """The worker's. A trigger refuses another than the one that the job names, if it names one."""
    device: Mapped[str | None] = mapped_column(String(40))
    dtype: Mapped[str | None] = mapped_column(String(40))
    """The arithmetic that the network computed in, 'float32' or 'bfloat16' for instance."""
    batch_size_s: Mapped[float | None] = mapped_column(Float)
    batch_reason: Mapped[str | None] = mapped_column(Text)
    """Reason for the batch size in English, as version 0013 stored it. Null since then: the columns
    below say it in numbers."""
    limited_by: Mapped[str | None] = mapped_column(String(16))
    """A BatchLimit; null until a batch size is chosen, and where only `batch_reason` is known."""
    length_ceiling_s: Mapped[float | None] = mapped_column(Float)
    """Padded seconds that the recording's length allows, or LONGSCRIBE_BATCH_SIZE_S asks for."""
    sized_for_s: Mapped[float | None] = mapped_column(Float)
    """Seconds of audio that this ceiling belongs to; null where the setting took its place."""
    memory_cap_s: Mapped[float | None] = mapped_column(Float)
    """Padded seconds that the free memory allows."""
    headroom_bytes: Mapped[int | None] = mapped_column(BigInteger)
    """Free memory of that moment, of this job alone."""
    jobs_at_once: Mapped[int | None] = mapped_column(Integer)
    """Number of jobs of the worker that divided the device."""
    memory_is_measured: Mapped[bool | None] = mapped_column(Boolean)
    """True if `memory_cap_s` follows from measurements on the device."""
    learned_ceiling_s: Mapped[float | None] = mapped_column(Float)
    """Padded seconds of the largest batch that the worker still tried; null while none had run out
    of memory."""
    predicted_peak_bytes: Mapped[int | None] = mapped_column(BigInteger)
    peak_bytes: Mapped[int | None] = mapped_column(BigInteger)
    batches: Mapped[int] = mapped_column(Integer, default=0)
    """Committed batches, which the following columns are about too; null in what was not counted in
    version 0001."""
    speech_samples: Mapped[int | None] = mapped_column(BigInteger, default=0)
    padded_samples: Mapped[int | None] = mapped_column(BigInteger, default=0)
    """Sum over the batches of the longest segment's samples times the number of segments."""
    largest_batch_samples: Mapped[int | None] = mapped_column(BigInteger, default=0)
    recognition_s: Mapped[float | None] = mapped_column(Float, default=0.0)
    """Wall seconds in the network, refused batches included."""
    cpu_s: Mapped[float | None] = mapped_column(Float, default=0.0)
    """Processor seconds of the worker's child; the decoder is another process."""
    oom_retries: Mapped[int] = mapped_column(Integer, default=0)
    discarded: Mapped[bool] = mapped_column(Boolean, default=False)
    """True if its segments were dropped for those of another model or of other options."""


class JobEvent(Base):
    """Event of a job, written in the transaction in which it happened.

    Events of a job have ids in the order in which they happened: each is written by whoever holds
    the lock on the job's row.
    """

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint(allowed("kind", EventKind), name="events_kind_known"),
        Index("events_of_job", "job_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(default=database_now())
    kind: Mapped[str] = mapped_column(String(16))
    attempt: Mapped[int | None] = mapped_column(Integer)
    """The attempt's number; its row tells the worker and what it recognised so far."""
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
