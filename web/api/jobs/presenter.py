"""A job as the API shows it; the pages show the same values in words."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import PurePath

from flask import Response, current_app, jsonify, request, url_for
from pydantic import BaseModel

from shared.errors import LongscribeError
from shared.export.formats import FORMATS
from shared.jobs import JobView, RecordingRecord, StoredDataUnreadable
from shared.settings import Settings, is_demo_model
from shared.speakers.names import speakers_from_options
from shared.states import TERMINAL
from shared.transcripts.sound_selection import SoundSelection
from shared.words.hotwords import wants_lists
from shared.words.numbers.choice import numbers_from_options
from shared.words.replacements.job_replacements import wants_replacements
from web.api.jobs.batch_reason import batch_reason
from web.api.jobs.recording import present_recording
from web.api.schemas.errors import ErrorObject
from web.api.schemas.jobs import (
    BatchOut,
    HistoryOut,
    JobDetailOut,
    JobLinks,
    JobListOut,
    JobOut,
    ModelOut,
    TranscriptLinks,
)
from web.api.schemas.playback import AudioOut
from web.errors import job_error_object
from web.i18n.languages import N_
from web.polling.intervals import job_interval_s

DEMO_NOTICE = N_(
    "The bundled demonstration model knows about 500 characters of synthetic speech. It shows "
    "that everything works; for real recordings set LONGSCRIBE_MODEL to another model."
)


def present(view: JobView, settings: Settings) -> JobOut:
    """A job as lists show it. Works within a request only, because of the links."""
    job = view.job
    eta = view.eta_s
    speed = view.real_time_factor_x
    sound = SoundSelection.from_options(job.options)
    speakers = speakers_from_options(job.options)
    return JobOut(
        id=job.id,
        recording_id=job.recording.id,
        status=job.status,
        stage=job.stage,
        progress=round(job.progress, 4),
        queue_position=view.queue_position,
        waits_for=view.waits_for,
        eta_seconds=None if eta is None else round(eta, 1),
        workers_alive=view.workers_alive,
        audio_duration=job.recording.duration_s,
        filename=job.recording.filename,
        title=job.recording.title,
        date=job.day,
        people=list(job.recording.details.people),
        tags=list(job.recording.details.tags),
        created_at=job.created_at,
        started_at=job.started_at,
        completed_at=job.completed_at,
        kept_days=days_by_groups(job.kept_days, settings),
        attempts=len(job.attempts),
        batch=_batch(view),
        real_time_factor_x=None if speed is None else round(speed, 2),
        error=_error(view),
        warnings=job.warnings,
        confidence=job.low_confidence_share,
        metadata=job.options.get("metadata", {}),
        priority=job.priority,
        tracks=sound.tracks,
        channels=sound.channels,
        speakers="off" if speakers is None else str(speakers),
        replacements="on" if wants_replacements(job.options) else "off",
        hotword_lists=wants_lists(job.options),
        numbers=numbers_from_options(job.options),
        model=_model(view, settings),
        links=_links(job.id),
    )


def days_by_groups(days: int | None, settings: Settings) -> int | None:
    """The days by a rule of groups; None where a job is deleted earlier, as all are."""
    if days is None or 0 < settings.retention_days < days:
        return None
    return days


def present_detail(view: JobView, settings: Settings) -> JobDetailOut:
    """A job asked for by itself. Works within a request only."""
    listed = present(view, settings)
    recording = None if view.report is None else present_recording(view.report)
    return JobDetailOut.model_construct(
        **vars(listed), recording=recording, audio=_audio(view.job.recording)
    )


def _audio(recording: RecordingRecord) -> AudioOut:
    if recording.playable is not None:
        return AudioOut(kind="copy", size_bytes=recording.playable.size_bytes)
    return AudioOut(kind="original", size_bytes=recording.size_bytes)


def _model(view: JobView, settings: Settings) -> ModelOut:
    # What will run, until an attempt has said what did: the setting may have changed since.
    tried = view.attempt.model if view.attempt else None
    name = tried or view.job.model or _configured_model(settings)
    demo = is_demo_model(name)
    recognition = view.recognition
    return ModelOut(
        name=name,
        wanted=view.job.model,
        demo=demo,
        notice=DEMO_NOTICE if demo else None,
        device=recognition.device if recognition else None,
        dtype=recognition.dtype if recognition else None,
    )


def _configured_model(settings: Settings) -> str:
    # A folder goes by its last name, as the worker reports it; where it lies is nobody's business.
    is_folder = settings.model.startswith(("/", ".", "~"))
    return PurePath(settings.model).name if is_folder else settings.model


def _batch(view: JobView) -> BatchOut | None:
    figures = view.recognition
    if figures is None:
        return None
    return BatchOut(
        batch_size_s=figures.batch_size_s,
        limited_by=figures.limited_by,
        reason=batch_reason(figures),
        length_ceiling_s=_rounded(figures.length_ceiling_s),
        memory_cap_s=_rounded(figures.memory_cap_s),
        headroom_bytes=figures.headroom_bytes,
        batches=figures.batches,
        speech_s=_rounded(figures.speech_s),
        padded_s=_rounded(figures.padded_s),
        padding=_rounded(figures.padding),
        largest_batch_s=_rounded(figures.largest_batch_s),
        recognition_s=_rounded(figures.recognition_s),
        cpu_s=_rounded(figures.cpu_s),
        predicted_peak_bytes=figures.predicted_peak_bytes,
        peak_bytes=figures.peak_bytes,
        oom_retries=figures.oom_retries,
    )


def _rounded(value: float | None) -> float | None:
    """Round seconds to the millisecond, or a share to the thousandth."""
    return None if value is None else round(value, 3)


def _error(view: JobView) -> ErrorObject | None:
    if not view.job.is_whole:
        return stored_data_error(StoredDataUnreadable())
    code, message = view.job.error_code, view.job.error_message
    if code is None:
        return None
    return ErrorObject.model_validate(job_error_object(code, message or code))


def stored_data_error(error: LongscribeError) -> ErrorObject:
    """The `error` of a job of which something stored cannot be read."""
    return ErrorObject.model_validate(job_error_object(error.code, error.message))


_ANY_JOB = "00000000-0000-0000-0000-000000000000"


def _links(job_id: str) -> JobLinks:
    links = {
        name: address.replace(_ANY_JOB, job_id)
        for name, address in _addresses(request.script_root).items()
    }
    return JobLinks.model_construct(
        None,
        **{name: links[name] for name in _LINKS},
        transcript=TranscriptLinks.model_construct(None, **{name: links[name] for name in FORMATS}),
    )


_LINKS = {
    "self_": "jobs.get_job",
    "cancel": "jobs.cancel_job",
    "retry": "jobs.retry_job",
    "again": "jobs.transcribe_again",
    "history": "jobs.get_job_history",
    "audio": "listening.get_job_audio",
    "peaks": "listening.get_job_peaks",
    "words": "listening.get_job_words",
    "speakers": "speakers.get_speakers",
    "hotwords": "hotwords.get_job_hotwords",
    "page": "pages.job",
}
"""The endpoint of each link; those of a transcript have a format besides."""


@lru_cache(maxsize=16)
def _addresses(root: str) -> dict[str, str]:
    """The addresses of a job with the id `_ANY_JOB`, below `root`, which is this request's: to
    build them takes half of the time that a list of jobs does."""
    addresses = {name: url_for(view, job_id=_ANY_JOB) for name, view in _LINKS.items()}
    for name in FORMATS:
        addresses[name] = url_for("jobs.get_job_transcript", job_id=_ANY_JOB, format=name)
    return addresses


def job_response(job: JobDetailOut, status: int = 200) -> Response:
    """Answer with the job, an ETag and, while the job is unfinished, Retry-After."""
    response = jsonify(job.model_dump(mode="json", by_alias=True))
    response.status_code = status
    if job.status not in TERMINAL:
        response.headers["Retry-After"] = str(job_interval_s(job.eta_seconds))
    return with_etag(response, job)


def with_etag(response: Response, shown: JobOut | JobListOut | HistoryOut) -> Response:
    """Set a weak ETag, and answer 304 if the client has this version already.

    The ETag leaves out `eta_seconds`, which changes all the time while nothing happens.
    """
    if isinstance(shown, JobOut):
        digest = job_digest(shown)
    elif isinstance(shown, HistoryOut):
        digest = _digest(shown.model_dump_json())
    else:
        digest = _digest(shown.model_dump_json(exclude={"jobs": {"__all__": {"eta_seconds"}}}))
    response.set_etag(digest, weak=True)
    if request.method in ("GET", "HEAD"):
        response.make_conditional(request)
    return response


def job_digest(job: JobOut) -> str:
    """The same as long as nothing happens to a job."""
    return _digest(job.model_dump_json(exclude={"eta_seconds"}))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def with_digest(shown: BaseModel) -> Response:
    """Answer with `shown` as JSON, or with 304 if the client has exactly this already."""
    body = shown.model_dump_json().encode()
    response = current_app.response_class(body, mimetype="application/json")
    response.set_etag(hashlib.sha256(body).hexdigest()[:32], weak=True)
    response.make_conditional(request)
    return response
