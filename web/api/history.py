"""A job's history in words that a person understands, the same for the API and the page."""

from __future__ import annotations

from collections.abc import Callable

from shared.jobs import JobHistory
from shared.models import Attempt, JobEvent
from shared.states import EventKind
from shared.transcript import SAMPLE_RATE
from web.api.schemas import EventOut, HistoryOut
from web.quantities import clock, count_words, padded_words, span


def present_history(job_id: str, history: JobHistory) -> HistoryOut:
    """Every event with its message, oldest first."""
    return HistoryOut(job_id=job_id, events=[_present(event, history) for event in history.events])


def _present(event: JobEvent, history: JobHistory) -> EventOut:
    attempt = _attempt(event, history)
    kind = EventKind(event.kind)
    words = _WORDS[kind]
    return EventOut(
        at=event.at,
        kind=kind,
        attempt=event.attempt,
        worker=attempt.worker if attempt else None,
        code=event.detail.get("code"),
        message=words if isinstance(words, str) else words(event, history),
    )


def _attempt(event: JobEvent, history: JobHistory) -> Attempt | None:
    return None if event.attempt is None else history.attempts.get(event.attempt)


def _kept_batches(history: JobHistory, up_to: int) -> int:
    """Committed by the attempts up to a number, as far as they count."""
    return sum(
        attempt.batches
        for attempt in history.attempts.values()
        if attempt.number <= up_to and not attempt.discarded
    )


def _claimed(event: JobEvent, history: JobHistory) -> str:
    number = event.attempt or 1
    if number == 1:
        return "A worker took the job."
    kept = _kept_batches(history, number - 1)
    if not kept:
        return "A worker took the job again."
    return (
        f"A worker took the job again; {count_words(kept, 'batch is', 'batches are')} "
        "recognised already."
    )


def _decoded(event: JobEvent, history: JobHistory) -> str:
    return f"The recording was read to its end: {clock(event.detail['duration_s'])} of audio."


def _planned(event: JobEvent, history: JobHistory) -> str:
    segments, batches = event.detail["segments"], event.detail["batches"]
    if not segments:
        return "Nobody speaks in it."
    return (
        f"All of its speech is found: {count_words(segments, 'segment', 'segments')} "
        f"in {count_words(batches, 'batch', 'batches')}."
    )


def _recognising(event: JobEvent, history: JobHistory) -> str:
    began = f"Recognition began, in batches of up to {padded_words(event.detail['batch_size_s'])}."
    attempt = _attempt(event, history)
    if attempt is None or not attempt.batches:
        return began
    done = count_words(attempt.batches, "batch", "batches")
    if attempt.speech_samples:
        done += f" with {span(attempt.speech_samples / SAMPLE_RATE)} of speech"
    return f"{began} This attempt recognised {done}{'' if attempt.ended_at else ' so far'}."


def _out_of_memory(event: JobEvent, history: JobHistory) -> str:
    return (
        "A batch did not fit into memory. It was halved and tried again; from then on a batch "
        f"holds up to {padded_words(event.detail['batch_size_s'])}."
    )


def _lost(event: JobEvent, history: JobHistory) -> str:
    if event.detail.get("code") == "stalled":
        what = "The job stopped moving, so its process was ended."
    else:
        what = f"The worker fell silent{_for_how_long(event, history)}, so it counts as lost."
    return what + _next(event, history)


def _for_how_long(lost: JobEvent, history: JobHistory) -> str:
    """The lease that ran out, as far as it was kept."""
    leases = [
        event.detail["lease_s"]
        for event in history.events
        if event.kind == EventKind.CLAIMED
        and event.attempt == lost.attempt
        and "lease_s" in event.detail
    ]
    return f": its lease of {span(leases[0])} ran out" if leases else ""


def _retrying(event: JobEvent, history: JobHistory) -> str:
    return f"{_with_message('The attempt failed', event)}{_next(event, history)}"


def _next(event: JobEvent, history: JobHistory) -> str:
    """What becomes of the job, unless the event after this says so."""
    failures, of = event.detail.get("failures"), event.detail.get("of")
    if failures is None or of is None or failures >= of:
        return ""
    delay_s = event.detail.get("delay_s") or 0
    wait = f" and is tried again after {span(delay_s)}" if delay_s >= 1 else ""
    kept = " What is recognised is kept." if _kept_batches(history, event.attempt or 0) else ""
    return f" The job was queued again{wait} ({failures} of {of} attempts used up).{kept}"


def _cancelled(event: JobEvent, history: JobHistory) -> str:
    if event.attempt is None:
        return "The job was cancelled while it waited."
    return "The attempt has stopped; the job is cancelled."


def _completed(event: JobEvent, history: JobHistory) -> str:
    sentences = event.detail.get("sentences")
    if sentences is None:
        return "The transcript is stored."
    if not sentences:
        return "The transcript is stored; it is empty, since there is no speech."
    return f"The transcript is stored: {count_words(sentences, 'sentence', 'sentences')}."


def _failed(event: JobEvent, history: JobHistory) -> str:
    return _with_message("The job failed", event)


def _with_message(what: str, event: JobEvent) -> str:
    message = event.detail.get("message")
    return f"{what}: {message}" if message else f"{what}."


_WORDS: dict[EventKind, str | Callable[[JobEvent, JobHistory], str]] = {
    EventKind.SUBMITTED: "The recording was accepted and is safe on disk.",
    EventKind.CLAIMED: _claimed,
    EventKind.DECODED: _decoded,
    EventKind.RECOGNISING: _recognising,
    EventKind.PLANNED: _planned,
    EventKind.OUT_OF_MEMORY: _out_of_memory,
    EventKind.DISCARDED: (
        "What was recognised before came from another model or other settings. "
        "It was dropped and is recognised anew."
    ),
    EventKind.PUNCTUATING: "All speech is recognised; punctuation is added.",
    EventKind.SAVING: "The transcript is put together.",
    EventKind.LOST: _lost,
    EventKind.RETRYING: _retrying,
    EventKind.RELEASED: (
        "The worker was told to stop and gave the job back, with what it had recognised. "
        "This uses up no attempt."
    ),
    EventKind.CANCEL_ASKED: "Somebody asked to cancel; the worker stops within a batch.",
    EventKind.CANCELLED: _cancelled,
    EventKind.RETRIED: "Somebody asked to try again; what was recognised is kept.",
    EventKind.COMPLETED: _completed,
    EventKind.FAILED: _failed,
}
