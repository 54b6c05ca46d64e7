"""Jobs and transcripts in AssemblyAI's shape: times in milliseconds, a failed job as an answer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from flask import url_for

from shared import jobs
from shared.export.options import ExportOptions
from shared.export.paragraphs import join_sentences, paragraphs
from shared.fetches.requests import OPEN, FetchRecord, FetchState
from shared.states import JobStatus
from shared.transcripts.values import Sentence, Transcript, Word

_STATUSES = {
    JobStatus.QUEUED: "queued",
    JobStatus.PROCESSING: "processing",
    JobStatus.CANCELLING: "processing",
    JobStatus.COMPLETED: "completed",
    JobStatus.FAILED: "error",
    JobStatus.CANCELLED: "error",
}

_CANCELLED = "Somebody cancelled this job."


def shown_job(job: jobs.JobRecord, transcript: Transcript | None) -> dict[str, Any]:
    """A transcript as it stands: with its text once the job is completed."""
    audio_url = url_for("listening.get_job_audio", job_id=job.id, _external=True)
    shown = _without_text(job.id, audio_url, _STATUSES[job.status])
    if job.status == JobStatus.FAILED:
        shown["error"] = f"{job.error_message} ({job.error_code})"
    elif job.status == JobStatus.CANCELLED:
        shown["error"] = _CANCELLED
    if transcript is None:
        return shown
    has_speakers = any(sentence.speaker for sentence in transcript.sentences)
    return shown | {
        "language_code": transcript.language,
        "audio_duration": math.ceil(transcript.duration),
        "text": transcript.text,
        "words": [
            _word(word, sentence.speaker)
            for sentence in transcript.sentences
            for word in sentence.words
        ],
        "utterances": [_passage(turn) for turn in _turns(transcript)] if has_speakers else None,
        "confidence": _confidence(transcript.sentences),
        "speech_model_used": transcript.model,
    }


def shown_fetch(fetch: FetchRecord) -> dict[str, Any]:
    """A recording that is no job yet, or became none."""
    status = "queued" if fetch.state in OPEN else "error"
    shown = _without_text(fetch.id, fetch.url, status)
    if fetch.state is FetchState.FAILED:
        shown["error"] = f"{fetch.error_message} ({fetch.error_code})"
    elif fetch.state is FetchState.CANCELLED:
        shown["error"] = _CANCELLED
    return shown


def _without_text(id_: str, audio_url: str, status: str) -> dict[str, Any]:
    return {
        "id": id_,
        "audio_url": audio_url,
        "status": status,
        "error": None,
        "language_code": None,
        "audio_duration": None,
        "text": None,
        "words": None,
        "utterances": None,
        "confidence": None,
        "speech_model": None,
    }


def shown_sentences(transcript: Transcript) -> dict[str, Any]:
    return _shown_parts("sentences", transcript, [(one,) for one in transcript.sentences])


def shown_paragraphs(transcript: Transcript) -> dict[str, Any]:
    groups = paragraphs(transcript, ExportOptions(paragraphs=True))
    return _shown_parts("paragraphs", transcript, [group.sentences for group in groups])


def _shown_parts(
    name: str, transcript: Transcript, parts: Iterable[tuple[Sentence, ...]]
) -> dict[str, Any]:
    return {
        name: [_passage(part) for part in parts],
        "confidence": _confidence(transcript.sentences),
        "audio_duration": transcript.duration,
    }


def _turns(transcript: Transcript) -> Iterable[tuple[Sentence, ...]]:
    """Yield consecutive sentences of the same speaker."""
    turn: list[Sentence] = []
    for sentence in transcript.sentences:
        if turn and turn[-1].speaker != sentence.speaker:
            yield tuple(turn)
            turn = []
        turn.append(sentence)
    if turn:
        yield tuple(turn)


def _passage(sentences: tuple[Sentence, ...]) -> dict[str, Any]:
    speaker = sentences[0].speaker
    return {
        "text": join_sentences(sentences, ExportOptions()),
        "start": _ms(sentences[0].start),
        "end": _ms(sentences[-1].end),
        "confidence": _confidence(sentences),
        "speaker": speaker,
        "words": [_word(word, speaker) for one in sentences for word in one.words],
    }


def _word(word: Word, speaker: str | None) -> dict[str, Any]:
    return {
        "text": word.word,
        "start": _ms(word.start),
        "end": _ms(word.end),
        "confidence": 1.0 if word.confidence is None else word.confidence,
        "speaker": speaker,
    }


def _confidence(sentences: Iterable[Sentence]) -> float:
    """The mean over the words; 1 where a person wrote them, or the model gave none."""
    known = [
        1.0 if word.confidence is None else word.confidence
        for sentence in sentences
        for word in sentence.words
    ]
    return round(sum(known) / len(known), 4) if known else 1.0


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
