"""Rows as plain values: what leaves the transaction that read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import structlog

from shared.annotations.details import Details, stored_details, title_of_file
from shared.jobs.eta.time_spent import attempt_s
from shared.jobs.playback.playable import PlayableCopy
from shared.models import Attempt, Job, Recording
from shared.speakers.names import speakers_from_options
from shared.states import AttemptOutcome, JobStatus, Stage
from shared.strict_json import UnreadableJson, require_writable
from shared.transcripts.recording_report import RecordingReport
from shared.transcripts.sound_selection import SoundSelection
from shared.words.numbers.choice import numbers_from_options
from shared.words.replacements.job_replacements import wants_replacements

log = structlog.stdlib.get_logger(__name__)

_STAGES = {stage.value: stage for stage in Stage} | {"segmenting": Stage.DECODING}
"""Stages by their names in the database. A worker of an early version wrote 'segmenting' of what is
a part of decoding since; a job that it holds during an upgrade is shown all the same."""


@dataclass(frozen=True, slots=True)
class RecordingRecord:
    """A recording as it was submitted."""

    id: str
    blob_key: str
    filename: str
    size_bytes: int
    sha256: str
    duration_s: float | None
    """Length in seconds; None until the recording was decoded."""
    expected_s: float | None = None
    """Length in seconds: the true one once the recording was decoded, before that an estimate."""
    playable: PlayableCopy | None = None
    """Copy that is played in place of the recording; None where there is none."""
    details: Details = field(default_factory=Details)

    @property
    def title(self) -> str:
        """Title of the recording: the one a person gave, or else its file's name."""
        return self.details.title or title_of_file(self.filename)


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """A run of a job by a worker. `shared.models.Attempt` says what each column is."""

    number: int
    worker: str
    model: str | None
    started_at: datetime
    ended_at: datetime | None
    outcome: AttemptOutcome | None
    error_code: str | None
    error_message: str | None
    batches: int
    """Batches that are committed."""
    speech_samples: int | None
    discarded: bool
    """True if its segments were dropped for those of another model or of other options."""

    @property
    def took_s(self) -> float | None:
        """Wall seconds from its start to its end; None while it runs."""
        return None if self.ended_at is None else attempt_s(self, self.ended_at)


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as it is stored. `shared.models.Job` says what each column is."""

    id: str
    status: JobStatus
    stage: Stage | None
    progress: float
    priority: int
    options: dict[str, Any]
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    error_code: str | None
    error_message: str | None
    warnings: list[str]
    low_confidence_share: float | None
    recording: RecordingRecord
    attempts: list[AttemptRecord]
    """Attempts in their order; the last one is running or the latest."""
    model: str | None = None
    """The only one that may recognise it."""
    kept_days: int | None = None
    is_whole: bool = True
    """False where some stored value of the job cannot be read, and is left out here."""

    @property
    def day(self) -> date:
        """Date of the recording as a person gave it, or else of the submission, in this server's
        time zone."""
        return self.recording.details.date or self.created_at.astimezone().date()


def job_record(row: Job) -> JobRecord:
    """The values of a row whose recording and attempts are loaded."""
    has_options = _can_be_shown(row.options)
    return JobRecord(
        id=row.id,
        status=JobStatus(row.status),
        stage=None if row.stage is None else _STAGES[row.stage],
        progress=row.progress,
        priority=row.priority,
        options=row.options if has_options else {},
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        error_code=row.error_code,
        error_message=row.error_message,
        warnings=[str(warning) for warning in row.warnings],
        low_confidence_share=row.low_confidence_share,
        recording=_recording_record(row.recording),
        attempts=[attempt_record(attempt) for attempt in row.attempts],
        model=row.model,
        kept_days=row.kept_days,
        is_whole=has_options and not isinstance(row.warnings, UnreadableJson),
    )


def _can_be_shown(options: object) -> bool:
    if not isinstance(options, dict) or isinstance(options, UnreadableJson):
        return False
    try:
        require_writable(options)
        SoundSelection.from_options(options)
        speakers_from_options(options)
        wants_replacements(options)
        numbers_from_options(options)
    except ValueError as error:
        log.error("a job's stored options cannot be shown", error=str(error))
        return False
    return isinstance(options.get("metadata", {}), dict)


def stored_report(stored: dict[str, Any] | None) -> RecordingReport | None:
    """The report of `Job.recording_report`; None where there is none, or where a later version
    wrote one that is not understood: a job is shown and goes on without."""
    if stored is None:
        return None
    try:
        require_writable(stored)
        return RecordingReport.from_json(stored)
    except (KeyError, TypeError, ValueError) as error:
        log.warning("a recording's report is not understood", error=repr(error))
        return None


def attempt_record(row: Attempt) -> AttemptRecord:
    """The values of an attempt's row."""
    return AttemptRecord(
        number=row.number,
        worker=row.worker,
        model=row.model,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=None if row.outcome is None else AttemptOutcome(row.outcome),
        error_code=row.error_code,
        error_message=row.error_message,
        batches=row.batches,
        speech_samples=row.speech_samples,
        discarded=row.discarded,
    )


def _recording_record(row: Recording) -> RecordingRecord:
    return RecordingRecord(
        id=row.id,
        blob_key=row.blob_key,
        filename=row.filename,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        duration_s=row.duration_s,
        expected_s=row.estimated_s if row.duration_s is None else row.duration_s,
        playable=_playable_copy(row),
        details=stored_details(row),
    )


def _playable_copy(row: Recording) -> PlayableCopy | None:
    if row.playable_key is None or row.playable_bytes is None:
        return None
    return PlayableCopy(row.playable_key, row.playable_bytes, row.playable_type or "")
