"""The messages of a job's history, for the API and the page, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from flask_babel import gettext as _
from flask_babel import ngettext

from shared.jobs import AttemptRecord, EventRecord, JobHistory
from shared.states import EventKind
from shared.transcripts.values import SAMPLE_RATE
from web.api.schemas.jobs import EventOut, HistoryOut
from web.errors import localised_message
from web.i18n.languages import N_
from web.i18n.quantities import clock, duration_text, padded_text

log = structlog.stdlib.get_logger(__name__)


def present_history(job_id: str, history: JobHistory) -> HistoryOut:
    """List every event with its message, oldest first."""
    return HistoryOut(job_id=job_id, events=[_present(event, history) for event in history.events])


def _present(event: EventRecord, history: JobHistory) -> EventOut:
    attempt = _attempt(event, history)
    return EventOut(
        at=event.at,
        kind=event.kind,
        attempt=event.attempt,
        worker=attempt.worker if attempt else None,
        code=code if isinstance(code := event.detail.get("code"), str) else None,
        message=_readable_message(event, history),
    )


def _readable_message(event: EventRecord, history: JobHistory) -> str:
    text = _MESSAGES[event.kind]
    try:
        return _(text) if isinstance(text, str) else text(event, history)
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        log.error("an event's stored detail cannot be shown", event_id=event.id, error=repr(error))
        return _("What is stored of this event cannot be read.")


def _attempt(event: EventRecord, history: JobHistory) -> AttemptRecord | None:
    return None if event.attempt is None else history.attempts.get(event.attempt)


def _kept_batches(history: JobHistory, up_to: int) -> int:
    """Count the batches committed by attempts up to number `up_to`, without discarded ones."""
    return sum(
        attempt.batches
        for attempt in history.attempts.values()
        if attempt.number <= up_to and not attempt.discarded
    )


def _claimed(event: EventRecord, history: JobHistory) -> str:
    number = event.attempt or 1
    if number == 1:
        return _("A worker took the job.")
    kept = _kept_batches(history, number - 1)
    if not kept:
        return _("A worker took the job again.")
    return ngettext(
        "A worker took the job again; %(count)s batch is recognised already.",
        "A worker took the job again; %(count)s batches are recognised already.",
        kept,
        count=f"{kept:,}",
    )


def _decoded(event: EventRecord, history: JobHistory) -> str:
    return _(
        "The recording was read to its end: %(length)s of audio.",
        length=clock(event.detail["duration_s"]),
    )


def _planned(event: EventRecord, history: JobHistory) -> str:
    segments, batches = event.detail["segments"], event.detail["batches"]
    if not segments:
        return _("Nobody speaks in it.")
    return _(
        "All of its speech is found: %(segments)s in %(batches)s.",
        segments=ngettext(
            "%(count)s segment", "%(count)s segments", segments, count=f"{segments:,}"
        ),
        batches=_batches(batches),
    )


def _batches(count: int) -> str:
    return ngettext("%(count)s batch", "%(count)s batches", count, count=f"{count:,}")


def _recognising(event: EventRecord, history: JobHistory) -> str:
    began = _(
        "Recognition began, in batches of up to %(size)s.",
        size=padded_text(event.detail["batch_size_s"]),
    )
    attempt = _attempt(event, history)
    if attempt is None or not attempt.batches:
        return began
    done = _batches(attempt.batches)
    if attempt.speech_samples:
        done = _(
            "%(batches)s with %(time)s of speech",
            batches=done,
            time=duration_text(attempt.speech_samples / SAMPLE_RATE),
        )
    if attempt.ended_at:
        return began + " " + _("This attempt recognised %(what)s.", what=done)
    return began + " " + _("This attempt recognised %(what)s so far.", what=done)


def _out_of_memory(event: EventRecord, history: JobHistory) -> str:
    return _(
        "A batch did not fit into memory. It was halved and tried again; from then on a batch "
        "holds up to %(size)s.",
        size=padded_text(event.detail["batch_size_s"]),
    )


def _lost(event: EventRecord, history: JobHistory) -> str:
    if event.detail.get("code") == "stalled":
        what = _("The job stopped moving, so its process was ended.")
    elif (lease_s := _lease_s(event, history)) is not None:
        what = _(
            "The worker fell silent: its lease of %(time)s ran out, so it counts as lost.",
            time=duration_text(lease_s),
        )
    else:
        what = _("The worker fell silent, so it counts as lost.")
    return what + _next(event, history)


def _lease_s(lost: EventRecord, history: JobHistory) -> float | None:
    """The length of the lease that ran out; None for events of versions that did not store it."""
    leases: list[float] = [
        event.detail["lease_s"]
        for event in history.events
        if event.kind == EventKind.CLAIMED
        and event.attempt == lost.attempt
        and "lease_s" in event.detail
    ]
    return leases[0] if leases else None


def _retrying(event: EventRecord, history: JobHistory) -> str:
    message = _message(event)
    what = (
        _("The attempt failed: %(message)s", message=message)
        if message
        else _("The attempt failed.")
    )
    return what + _next(event, history)


def _next(event: EventRecord, history: JobHistory) -> str:
    """A sentence on whether and when the job is tried again; empty where the next event says so."""
    failures, of = event.detail.get("failures"), event.detail.get("of")
    if failures is None or of is None or failures >= of:
        return ""
    delay_s = event.detail.get("delay_s") or 0
    used = _("%(failures)s of %(of)s attempts used up", failures=failures, of=of)
    if delay_s >= 1:
        said = _(
            "The job was queued again and is tried again after %(time)s (%(used)s).",
            time=duration_text(delay_s),
            used=used,
        )
    else:
        said = _("The job was queued again (%(used)s).", used=used)
    if _kept_batches(history, event.attempt or 0):
        said += " " + _("What is recognised is kept.")
    return " " + said


def _released(event: EventRecord, history: JobHistory) -> str:
    message = _message(event)
    if not message:
        return _(
            "The worker was shut down and gave the job back, with what it had recognised. "
            "This uses up no attempt."
        )
    delay_s = event.detail.get("delay_s") or 0
    if delay_s < 1:
        return _("The worker gave the job back, which uses up no attempt: %(why)s", why=message)
    return _(
        "The worker gave the job back, which uses up no attempt, and it is tried again after "
        "%(time)s: %(why)s",
        time=duration_text(delay_s),
        why=message,
    )


def _cancelled(event: EventRecord, history: JobHistory) -> str:
    if event.attempt is None:
        return _("The job was cancelled while it waited.")
    return _("The attempt has stopped; the job is cancelled.")


def _completed(event: EventRecord, history: JobHistory) -> str:
    sentences = event.detail.get("sentences")
    if sentences is None:
        return _("The transcript is stored.")
    if not sentences:
        return _("The transcript is stored; it is empty, since there is no speech.")
    return ngettext(
        "The transcript is stored: %(count)s sentence.",
        "The transcript is stored: %(count)s sentences.",
        sentences,
        count=f"{sentences:,}",
    )


def _failed(event: EventRecord, history: JobHistory) -> str:
    message = _message(event)
    return _("The job failed: %(message)s", message=message) if message else _("The job failed.")


def _message(event: EventRecord) -> str:
    """The message of the error behind an event; empty where none is stored."""
    message = event.detail.get("message") or ""
    return localised_message(event.detail.get("code") or "", message) if message else ""


_MESSAGES: dict[EventKind, str | Callable[[EventRecord, JobHistory], str]] = {
    EventKind.SUBMITTED: N_("The recording was accepted and is safe on disk."),
    EventKind.CLAIMED: _claimed,
    EventKind.DECODED: _decoded,
    EventKind.RECOGNISING: _recognising,
    EventKind.PLANNED: _planned,
    EventKind.OUT_OF_MEMORY: _out_of_memory,
    EventKind.DISCARDED: N_(
        "What was recognised before came from another model or other settings. "
        "It was dropped and is recognised anew."
    ),
    EventKind.PUNCTUATING: N_("All speech is recognised; punctuation is added."),
    EventKind.SAVING: N_("The transcript is put together."),
    EventKind.LOST: _lost,
    EventKind.RETRYING: _retrying,
    EventKind.RELEASED: _released,
    EventKind.CANCEL_ASKED: N_("Somebody asked to cancel; the worker stops within a batch."),
    EventKind.CANCELLED: _cancelled,
    EventKind.RETRIED: N_("Somebody asked to try again; what was recognised is kept."),
    EventKind.COMPLETED: _completed,
    EventKind.FAILED: _failed,
}
