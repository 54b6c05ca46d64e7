"""States, stages and figures in words for people. Registered as template filters."""

from __future__ import annotations

from datetime import datetime

from flask import Flask

from shared.states import AttemptOutcome, JobStatus, Stage
from web.api.schemas import BatchOut, JobOut

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

_WARNING = {
    "no_speech": "Nobody speaks in this recording, so the transcript is empty.",
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


def clock(seconds: float) -> str:
    """A place in a recording, or its length.

    >>> clock(62.9), clock(3725)
    ('1:02', '1:02:05')
    """
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def span(seconds: float) -> str:
    """A time that passes, no finer than anyone wants to know.

    >>> span(0.4), span(42), span(150), span(5400)
    ('less than a second', '42 s', '2 min 30 s', '1 h 30 min')
    """
    if seconds < 1:
        return "less than a second"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def eta_words(seconds: float) -> str:
    """A guess, said as one."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 90:
        return f"about {round(seconds, -1):.0f} s left"
    return f"about {span(round(seconds / 60) * 60)} left"


def bytes_words(count: float) -> str:
    """Gibibytes and mebibytes, named as memory and files usually are."""
    if count >= 2**30:
        return f"{count / 2**30:.1f}".removesuffix(".0") + " GB"
    return f"{count / 2**20:.0f} MB"


def speed_words(factor: float) -> str:
    return f"{factor:.0f}× real time" if factor >= 10 else f"{factor:.1f}× real time"


def batch_words(batch: BatchOut) -> str:
    """The decision of the worker, its reason and how it went."""
    words = f"Batches of up to {batch.batch_size_s:g} s of audio"
    words += f": {batch.reason.rstrip('.')}." if batch.reason else "."
    if batch.predicted_peak_bytes is not None:
        words += f" Predicted memory at the peak {bytes_words(batch.predicted_peak_bytes)}"
        if batch.peak_bytes is not None:
            words += f", measured {bytes_words(batch.peak_bytes)}"
        words += "."
    if batch.oom_retries:
        times = "once" if batch.oom_retries == 1 else f"{batch.oom_retries} times"
        words += f" Memory ran out {times} and smaller batches were used."
    return words


def warning_words(code: str) -> str:
    return _WARNING.get(code, code.replace("_", " ").capitalize() + ".")


def outcome_words(outcome: str | None) -> str:
    return "running" if outcome is None else _OUTCOME[AttemptOutcome(outcome)]


def moment(at: datetime) -> str:
    """A time in UTC, for who has no JavaScript; others see their own."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def register_filters(app: Flask) -> None:
    for filter_ in (
        state_words,
        place_words,
        clock,
        span,
        eta_words,
        bytes_words,
        speed_words,
        batch_words,
        warning_words,
        outcome_words,
        moment,
    ):
        app.add_template_filter(filter_)
