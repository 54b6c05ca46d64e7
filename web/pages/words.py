"""States, stages and figures in words for people. Registered as template filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask

from shared.states import AttemptOutcome, EventKind, JobStatus, Stage
from web.api.schemas import BatchOut, HistoryOut, JobOut
from web.quantities import (
    bytes_words,
    clock,
    memory_words,
    padded_words,
    seconds_words,
    span,
    speed_words,
)

_STATUS = {
    JobStatus.QUEUED: "Waiting",
    JobStatus.PROCESSING: "Transcribing",
    JobStatus.CANCELLING: "Cancelling",
    JobStatus.COMPLETED: "Done",
    JobStatus.FAILED: "Failed",
    JobStatus.CANCELLED: "Cancelled",
}

_STAGE = {
    Stage.DECODING: "Reading the audio",
    Stage.SEGMENTING: "Finding speech",
    Stage.RECOGNISING: "Recognising speech",
    Stage.PUNCTUATING: "Adding punctuation",
    Stage.SAVING: "Saving",
}

_OUTCOME = {
    AttemptOutcome.COMPLETED: "completed",
    AttemptOutcome.FAILED: "failed",
    AttemptOutcome.CANCELLED: "cancelled",
    AttemptOutcome.LOST: "worker lost",
    AttemptOutcome.RELEASED: "handed back when its worker stopped",
    AttemptOutcome.RETRYING: "failed, tried again",
}

_TROUBLE = frozenset({EventKind.LOST, EventKind.RETRYING, EventKind.FAILED, EventKind.RETRIED})
"""With one of these in it, a history is what the reader came for."""

_WARNING = {
    "no_speech": "Nobody speaks in this recording, so the transcript is empty.",
    "punctuation_failed": "Punctuation failed, so the text has no marks and is divided at pauses.",
    "damaged_audio_skipped": "Parts of the file are damaged; what they held is missing.",
}


def state_words(job: JobOut) -> str:
    """What the job is doing, in a word or three."""
    if job.status == JobStatus.PROCESSING and job.stage is not None:
        return _STAGE[job.stage]
    return _STATUS[job.status]


def place_words(job: JobOut) -> str:
    """Where a waiting job stands; empty for others."""
    if job.queue_position is None:
        return ""
    return "next in line" if job.queue_position == 1 else f"number {job.queue_position} in line"


def eta_words(seconds: float) -> str:
    """A guess, said as one."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 90:
        return f"about {round(seconds, -1):.0f} s left"
    return f"about {span(round(seconds / 60) * 60)} left"


def done_words(seconds: float) -> str:
    """The same of a job that still waits."""
    return f"done in {eta_words(seconds).removesuffix(' left')}"


def batch_words(batch: BatchOut) -> str:
    """The worker's decision and its reason."""
    words = f"Batches of up to {padded_words(batch.batch_size_s)} of audio"
    return words + (f": {batch.reason.rstrip('.')}." if batch.reason else ".")


@dataclass(frozen=True, slots=True)
class Figure:
    """What a job's line of figures says of one thing."""

    name: str
    value: str
    note: str = ""


def figures(job: JobOut) -> list[Figure]:
    """How the job was recognised, as far as it is known."""
    batch = job.batch
    if batch is None:
        return []
    found = [
        _figure("Speed", job.real_time_factor_x, speed_words, "the whole job"),
        _figure("Recognition", batch.recognition_s, seconds_words, "by the clock"),
        _figure("Processor time", batch.cpu_s, seconds_words, "without decoding"),
        _figure("Speech", batch.speech_s, seconds_words, _of_audio(job)),
        Figure("Batches", f"{batch.batches:,}"),
        _figure("Padded over speech", batch.padding, "{:.3f}".format, "1 is no waste"),
        _figure("Largest batch", batch.largest_batch_s, seconds_words, "padded"),
        _figure("Peak memory", batch.peak_bytes, memory_words, _predicted(batch)),
        Figure("Out of memory", _times(batch.oom_retries), "halved" if batch.oom_retries else ""),
        Figure("Model", job.model.name, "demonstration" if job.model.demo else ""),
        _figure("Device", job.model.device, str, ""),
        _figure("Precision", job.model.dtype, str, ""),
    ]
    return [figure for figure in found if figure is not None]


def _figure(name: str, value: Any, words: Callable[[Any], str], note: str) -> Figure | None:
    return None if value is None else Figure(name, words(value), note)


def _of_audio(job: JobOut) -> str:
    return f"of {span(job.audio_duration)}" if job.audio_duration else ""


def _predicted(batch: BatchOut) -> str:
    if batch.predicted_peak_bytes is None:
        return ""
    return f"{memory_words(batch.predicted_peak_bytes)} predicted"


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def warning_words(code: str) -> str:
    return _WARNING.get(code, code.replace("_", " ").capitalize() + ".")


def outcome_words(outcome: str | None) -> str:
    return "running" if outcome is None else _OUTCOME[AttemptOutcome(outcome)]


def moment(at: datetime) -> str:
    """A time in UTC, for who has no JavaScript; others see their own."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def instant(at: datetime) -> str:
    """The same to the second, without the year: for what happened soon after one another."""
    return f"{at.day} {at:%b, %H:%M:%S}"


def is_troubled(history: HistoryOut) -> bool:
    return any(event.kind in _TROUBLE for event in history.events)


def tone(kind: EventKind) -> str:
    """A class of the style sheet; empty for what is neither good nor bad."""
    if kind is EventKind.COMPLETED:
        return "good"
    is_bad = kind in _TROUBLE and kind is not EventKind.RETRIED
    return "bad" if is_bad else ""


def register_filters(app: Flask) -> None:
    for filter_ in (
        state_words,
        place_words,
        clock,
        span,
        eta_words,
        done_words,
        bytes_words,
        speed_words,
        batch_words,
        figures,
        warning_words,
        outcome_words,
        moment,
        instant,
        is_troubled,
        tone,
    ):
        app.add_template_filter(filter_)
