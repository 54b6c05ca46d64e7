"""States, stages and figures in words for people. Registered as template filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask
from flask_babel import format_datetime, format_percent, ngettext
from flask_babel import gettext as _

from shared.models import Attempt
from shared.states import AttemptOutcome, EventKind, JobStatus, Stage
from web.api.schemas import BatchOut, ErrorObject, HistoryOut, JobOut
from web.errors import in_our_language
from web.i18n.languages import N_, current_language
from web.i18n.quantities import (
    bytes_words,
    clock,
    memory_words,
    padded_words,
    seconds_words,
    span,
    speed_words,
)
from web.pages.export_choices import export_formats, export_numbers, export_toggles

_STATUS = {
    JobStatus.QUEUED: N_("Waiting"),
    JobStatus.PROCESSING: N_("Transcribing"),
    JobStatus.CANCELLING: N_("Cancelling"),
    JobStatus.COMPLETED: N_("Done"),
    JobStatus.FAILED: N_("Failed"),
    JobStatus.CANCELLED: N_("Cancelled"),
}

_STAGE = {
    Stage.DECODING: N_("Reading the audio"),
    Stage.SEGMENTING: N_("Finding speech"),
    Stage.RECOGNISING: N_("Recognising speech"),
    Stage.PUNCTUATING: N_("Adding punctuation"),
    Stage.SAVING: N_("Saving"),
}

_OUTCOME = {
    AttemptOutcome.COMPLETED: N_("completed"),
    AttemptOutcome.FAILED: N_("failed"),
    AttemptOutcome.CANCELLED: N_("cancelled"),
    AttemptOutcome.LOST: N_("worker lost"),
    AttemptOutcome.RELEASED: N_("handed back when its worker stopped"),
    AttemptOutcome.RETRYING: N_("failed, tried again"),
}

_TROUBLE = frozenset({EventKind.LOST, EventKind.RETRYING, EventKind.FAILED, EventKind.RETRIED})
"""With one of these in it, a history is what the reader came for."""

_WARNING = {
    "no_speech": N_("Nobody speaks in this recording, so the transcript is empty."),
    "punctuation_failed": N_(
        "Punctuation failed, so the text has no marks and is divided at pauses."
    ),
    "damaged_audio_skipped": N_("Parts of the file are damaged; what they held is missing."),
    "low_confidence": N_(
        "Many words were recognised with little certainty: check the text against the recording. "
        "Noise, a distant microphone or people who speak at once are the usual reasons."
    ),
}


def state_words(job: JobOut) -> str:
    """What the job is doing, in a word or three."""
    if job.status == JobStatus.PROCESSING and job.stage is not None:
        return _(_STAGE[job.stage])
    return _(_STATUS[job.status])


def place_words(job: JobOut) -> str:
    """Where a waiting job stands; empty for others."""
    if job.queue_position is None:
        return ""
    if job.queue_position == 1:
        return _("next in line")
    return _("number %(place)s in line", place=job.queue_position)


def done_of_total(job: JobOut) -> str:
    """How much of a running job's recording is behind it; empty where that is not known."""
    if job.status != JobStatus.PROCESSING or not job.audio_duration:
        return ""
    return _(
        "%(done)s of %(total)s",
        done=clock(job.progress * job.audio_duration),
        total=clock(job.audio_duration),
    )


def pace_words(job: JobOut) -> str:
    """How fast a running job's speech goes through the network; empty for others."""
    batch = job.batch
    if job.status != JobStatus.PROCESSING or not batch or not batch.recognition_s:
        return ""
    return speed_words(batch.speech_s / batch.recognition_s) if batch.speech_s else ""


def eta_words(seconds: float) -> str:
    """A guess, said as one."""
    if seconds < 10:
        return _("a few seconds left")
    return _("about %(time)s left", time=_rounded(seconds))


def done_words(seconds: float) -> str:
    """The same of a job that still waits."""
    if seconds < 10:
        return _("done in a few seconds")
    return _("done in about %(time)s", time=_rounded(seconds))


def outlook_words(job: JobOut) -> list[str]:
    """Its place in the line and when it will be done, as far as these can be told."""
    said = [place_words(job)]
    if job.eta_seconds is not None:
        waits = job.status == JobStatus.QUEUED
        said.append(done_words(job.eta_seconds) if waits else eta_words(job.eta_seconds))
    return [words for words in said if words]


def audio_words(job: JobOut) -> list[str]:
    """How long the recording is, how far the job is in it and how fast."""
    said = [done_of_total(job)]
    if job.audio_duration and not said[0]:
        said.append(_("%(length)s of audio", length=clock(job.audio_duration)))
    said.append(pace_words(job))
    if job.real_time_factor_x:
        said.append(speed_words(job.real_time_factor_x))
    return [words for words in said if words]


def _rounded(seconds: float) -> str:
    if seconds < 90:
        return _("%(seconds)s s", seconds=f"{round(seconds, -1):.0f}")
    return span(round(seconds / 60) * 60)


def batch_words(batch: BatchOut) -> str:
    """The worker's decision and its reason."""
    size = padded_words(batch.batch_size_s)
    if not batch.reason:
        return _("Batches of up to %(size)s of audio.", size=size)
    reason = batch.reason.rstrip(".")
    return _("Batches of up to %(size)s of audio: %(reason)s.", size=size, reason=reason)


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
        _figure(_("Speed"), job.real_time_factor_x, speed_words, _("the whole job")),
        _figure(_("Recognition"), batch.recognition_s, seconds_words, _("by the clock")),
        _figure(_("Processor time"), batch.cpu_s, seconds_words, _("without decoding")),
        _figure(_("Speech"), batch.speech_s, seconds_words, _of_audio(job)),
        Figure(_("Batches"), f"{batch.batches:,}"),
        _figure(_("Padded over speech"), batch.padding, "{:.3f}".format, _("1 is no waste")),
        _figure(_("Largest batch"), batch.largest_batch_s, seconds_words, _("padded")),
        _figure(_("Peak memory"), batch.peak_bytes, memory_words, _predicted(batch)),
        Figure(
            _("Out of memory"), _times(batch.oom_retries), _("halved") if batch.oom_retries else ""
        ),
        Figure(_("Model"), job.model.name, _("demonstration") if job.model.demo else ""),
        _figure(_("Device"), job.model.device, str, ""),
        _figure(_("Precision"), job.model.dtype, str, ""),
    ]
    return [figure for figure in found if figure is not None]


def _figure(name: str, value: Any, words: Callable[[Any], str], note: str) -> Figure | None:
    return None if value is None else Figure(name, words(value), note)


def _of_audio(job: JobOut) -> str:
    return _("of %(time)s", time=span(job.audio_duration)) if job.audio_duration else ""


def _predicted(batch: BatchOut) -> str:
    if batch.predicted_peak_bytes is None:
        return ""
    return _("%(memory)s predicted", memory=memory_words(batch.predicted_peak_bytes))


def _times(count: int) -> str:
    known = {0: _("never"), 1: _("once"), 2: _("twice")}
    return known.get(count) or ngettext("%(num)s time", "%(num)s times", count)


def warning_words(code: str, job: JobOut | None = None) -> str:
    """What a warning means; `job` for those that say how much."""
    if code == "low_confidence" and job is not None and job.confidence is not None:
        return _(
            "%(share)s of the words were recognised with little certainty: check the text against "
            "the recording. Noise, a distant microphone or people who speak at once are the usual "
            "reasons.",
            share=share(job.confidence),
        )
    known = _WARNING.get(code)
    return _(known) if known else code.replace("_", " ").capitalize() + "."


def share(part: float) -> str:
    """A part of 1 as a percentage, to the tenth."""
    return format_percent(part, "#,##0.#%")


def error_words(error: ErrorObject) -> str:
    """What went wrong, and what to do about it."""
    return in_our_language(error.code, error.message)


def how_it_ended(attempt: Attempt) -> str:
    """An attempt's outcome, and the error behind it unless that only says the same."""
    if attempt.outcome is None:
        return _("running")
    outcome = AttemptOutcome(attempt.outcome)
    said = _(_OUTCOME[outcome])
    code, message = attempt.error_code or "", attempt.error_message
    why = in_our_language(code, message) if message else code
    if not why or (outcome is AttemptOutcome.LOST and not message):
        return said
    return _("%(outcome)s: %(why)s", outcome=said, why=why)


def moment(at: datetime) -> str:
    """A time in UTC, for who has no JavaScript; others see their own."""
    if current_language() == "en":
        return f"{at.day} {at:%b %Y, %H:%M} UTC"
    return f"{format_datetime(at, 'short', rebase=False)} UTC"


def instant(at: datetime) -> str:
    """The same to the second, without the year: for what happened soon after one another."""
    return format_datetime(at, _("d MMM, HH:mm:ss"), rebase=False)


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
        outlook_words,
        audio_words,
        clock,
        span,
        bytes_words,
        batch_words,
        figures,
        warning_words,
        share,
        error_words,
        how_it_ended,
        moment,
        instant,
        is_troubled,
        tone,
    ):
        app.add_template_filter(filter_)
    for offered in (export_formats, export_toggles, export_numbers):
        app.add_template_global(offered)
