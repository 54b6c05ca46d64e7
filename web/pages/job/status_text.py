"""A job's state, place in the queue, progress, batch size, warnings and error as text, and the look
of its speakers."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import ngettext

from shared.states import JobStatus, Stage, WaitReason
from web.api.schemas.errors import ErrorObject
from web.api.schemas.jobs import BatchOut, JobDetailOut, JobOut
from web.errors import localised_message
from web.i18n.dates import day_text
from web.i18n.languages import N_
from web.i18n.quantities import clock, duration_text, padded_text, speed_text
from web.i18n.warnings import warning_text
from web.pages.job.recording_text import heard_text

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
    Stage.RECOGNISING: N_("Recognising speech"),
    Stage.PUNCTUATING: N_("Adding punctuation"),
    Stage.SAVING: N_("Saving"),
}

SPEAKER_HUES = 8
SPEAKER_MARKS = 4


def state_text(job: JobOut) -> str:
    """Name the job's stage while it runs, else its status."""
    if job.status == JobStatus.PROCESSING and job.stage is not None:
        return _(_STAGE[job.stage])
    return _(_STATUS[job.status])


def position_text(job: JobOut) -> str:
    """A waiting job's position in the queue; empty for other jobs."""
    if job.queue_position is None:
        return ""
    if job.queue_position == 1:
        return _("next in line")
    return _("number %(place)s in line", place=job.queue_position)


def done_of_total(job: JobOut) -> str:
    """Text for the transcribed part of a running job's recording; empty where that is not known."""
    if job.status != JobStatus.PROCESSING or not job.audio_duration:
        return ""
    return _(
        "%(done)s of %(total)s",
        done=clock(job.progress * job.audio_duration),
        total=clock(job.audio_duration),
    )


def recognition_speed_text(job: JobOut) -> str:
    """Speed at which a running job's speech is recognised; empty for other jobs."""
    batch = job.batch
    if job.status != JobStatus.PROCESSING or not batch or not batch.recognition_s:
        return ""
    return speed_text(batch.speech_s / batch.recognition_s) if batch.speech_s else ""


def eta_text(seconds: float) -> str:
    """The estimated time until a running job ends, rounded because it is a guess."""
    if seconds < 10:
        return _("a few seconds left")
    return _("about %(time)s left", time=_rounded(seconds))


def done_in_text(seconds: float) -> str:
    """The estimated time until a waiting job ends."""
    if seconds < 10:
        return _("done in a few seconds")
    return _("done in about %(time)s", time=_rounded(seconds))


def queue_texts(job: JobOut) -> list[str]:
    """A job's queue position and remaining time, without those that are not known; or the model
    that no worker runs."""
    if job.waits_for is WaitReason.NO_WORKER_OF_MODEL:
        return [
            _(
                "waits for a worker that runs %(model)s; none is running",
                model=job.model.wanted,
            )
        ]
    texts = [position_text(job)]
    if job.eta_seconds is not None:
        waits = job.status == JobStatus.QUEUED
        texts.append(done_in_text(job.eta_seconds) if waits else eta_text(job.eta_seconds))
    return [text for text in texts if text]


def audio_texts(job: JobOut) -> list[str]:
    """The recording's length, and of a running job its place in it and its speed, without what is
    not known."""
    texts = [done_of_total(job)]
    if job.audio_duration and not texts[0]:
        texts.append(_("%(length)s of audio", length=clock(job.audio_duration)))
    texts.append(recognition_speed_text(job))
    return [text for text in texts if text]


def kept_text(job: JobOut) -> str:
    """Text that says when a rule of a group deletes a job; empty where none does."""
    if job.kept_days is None:
        return ""
    if job.completed_at is None:
        return ngettext(
            "A rule of a group deletes it %(num)s day after its end.",
            "A rule of a group deletes it %(num)s days after its end.",
            job.kept_days,
        )
    end = job.completed_at + timedelta(days=job.kept_days)
    return _("A rule of a group deletes it after %(day)s.", day=day_text(end.date()))


def _rounded(seconds: float) -> str:
    if seconds < 90:
        return _("%(seconds)s s", seconds=f"{round(seconds, -1):.0f}")
    return duration_text(round(seconds / 60) * 60)


def batch_text(batch: BatchOut) -> str:
    """The batch size that the worker chose, with the reason where one is known."""
    size = padded_text(batch.batch_size_s)
    if not batch.reason:
        return _("Batches of up to %(size)s of audio.", size=size)
    reason = batch.reason.rstrip(".")
    return _("Batches of up to %(size)s of audio: %(reason)s.", size=size, reason=reason)


def warning_texts(job: JobDetailOut) -> list[tuple[str, str]]:
    """Texts of a job's warnings, each with a key of its own. Those of the file say how much they
    concern and where; that nobody speaks says how many tracks and channels were heard."""
    recording = job.recording
    if recording is None:
        return [(code, warning_text(code, job.confidence)) for code in job.warnings]
    in_file = {told.code.value for told in recording.warnings}
    texts = {
        code: warning_text(code, job.confidence) for code in job.warnings if code not in in_file
    }
    if "no_speech" in texts and (heard := heard_text(recording)):
        texts["no_speech"] = _("%(said)s %(heard)s", said=texts["no_speech"], heard=heard)
    of_file = [(f"{n}-{told.code}", told.message) for n, told in enumerate(recording.warnings)]
    return [*texts.items(), *of_file]


def error_text(error: ErrorObject) -> str:
    """A job's error in the reader's language."""
    return localised_message(error.code, error.message)


_HOPELESS = {"unsupported_media", "no_audio", "audio_too_long"}
"""Errors that come again whenever the same file is tried."""


def retry_may_help(job: JobOut) -> bool:
    """Return whether trying a failed job again may end another way."""
    return job.error is None or job.error.code not in _HOPELESS


def speaker_look(number: int) -> str:
    """The classes of a speaker's colour and mark; `lookOf` in the scripts gives the same.

    >>> speaker_look(1), speaker_look(10)
    ('hue-1 mark-1', 'hue-2 mark-2')
    """
    turn, hue = divmod(number - 1, SPEAKER_HUES)
    return f"hue-{hue + 1} mark-{turn % SPEAKER_MARKS + 1}"
