"""States, stages and figures in words for people. Registered as template filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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


def done_words(seconds: float) -> str:
    """The same of a job that still waits."""
    return f"done in {eta_words(seconds).removesuffix(' left')}"


def bytes_words(count: float) -> str:
    """Gibibytes and mebibytes, named as memory and files usually are."""
    if count >= 2**30:
        return f"{count / 2**30:.1f}".removesuffix(".0") + " GB"
    return f"{count / 2**20:.0f} MB"


def speed_words(factor: float) -> str:
    return f"{factor:.0f}× real time" if factor >= 10 else f"{factor:.1f}× real time"


def seconds_words(seconds: float) -> str:
    """A measured time or length of audio.

    >>> seconds_words(0.04), seconds_words(1.26), seconds_words(65.2), seconds_words(537.6)
    ('0.04 s', '1.3 s', '65.2 s', '8 min 58 s')
    """
    if seconds < 0.1:
        return f"{seconds:.2f} s" if seconds else "0 s"
    return f"{seconds:.1f} s" if seconds < 100 else span(seconds)


def memory_words(count: float) -> str:
    """In the gigabytes of 10^9 bytes that the reason for a batch size counts in."""
    return f"{count / 1e9:.1f} GB"


def batch_words(batch: BatchOut) -> str:
    """The worker's decision and its reason."""
    size = f"{batch.batch_size_s:.1f}".removesuffix(".0")
    words = f"Batches of up to {size} s of audio"
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
    ):
        app.add_template_filter(filter_)
