"""Transcripts in OpenAI's shapes, and what is told of a job that has none."""

from __future__ import annotations

import math
import zlib
from pathlib import PurePath
from typing import Any

from flask import Response, jsonify, make_response, url_for

from shared import jobs
from shared.errors import PermanentError, TransientError
from shared.export.formats import FORMATS
from shared.export.options import Provenance
from shared.states import JobStatus
from shared.transcripts.values import Sentence, Transcript
from shared.words.job_terms import terms_of_job
from web.authentication.owner import current_owner_id
from web.compatible.openai.fields import TranscriptionFields
from web.error_shapes import error_object
from web.errors import status_of
from web.monitoring.traces import exporting
from web.services import services

_LANGUAGES = {
    "zh": "chinese",
    "en": "english",
    "yue": "cantonese",
    "ja": "japanese",
    "ko": "korean",
}
"""Languages by the names that OpenAI gives them."""


class StillRunning(TransientError):
    code = "still_running"
    http_status = 504
    default_message = "The recording is accepted, and its transcript takes longer than this waits."


class JobWasCancelled(PermanentError):
    code = "job_cancelled"
    http_status = 409
    default_message = "Somebody cancelled this job."


def job_address(job_id: str) -> str:
    return url_for("jobs.get_job", job_id=job_id)


def finished(job_id: str, asked: TranscriptionFields, *, is_stopping: bool = False) -> Response:
    """Answer with the transcript of a job, or with why there is none. Raises JobNotFound."""
    view = jobs.get_job(services().db, owner_id=current_owner_id(), job_id=job_id)
    if view.job.status == JobStatus.COMPLETED:
        answer = _transcribed(view.job, asked)
        answer.headers["Content-Location"] = job_address(job_id)
        return answer
    error = error_of(view.job, address=job_address(job_id), is_stopping=is_stopping)
    answer = jsonify({"error": error})
    answer.status_code = status_of(error["code"] or "")
    answer.headers["Location"] = job_address(job_id)
    if answer.status_code in (503, 504):
        answer.headers["Retry-After"] = "5"
    # OpenAI's clients would send the recording again, and make another job of it.
    answer.headers["X-Should-Retry"] = "false"
    return answer


def error_of(
    job: jobs.JobRecord, *, address: str, is_stopping: bool = False
) -> dict[str, str | None]:
    """Code and message for a job that is not completed."""
    if job.status == JobStatus.FAILED:
        code, message = job.error_code or "internal_error", job.error_message or ""
    elif job.status in (JobStatus.CANCELLED, JobStatus.CANCELLING):
        code, message = JobWasCancelled.code, JobWasCancelled.default_message
    else:
        why = "the server is restarted" if is_stopping else "it takes longer than this waits"
        code = StillRunning.code
        message = (
            f"The recording is accepted as job {job.id}, which goes on ({why}). "
            f"Ask {address} how it stands, and {address}/transcript for its text."
        )
    return error_object(message, status=status_of(code), code=code)


def transcript_of(job_id: str, owner_id: str) -> Transcript:
    """The transcript of a completed job, with its corrections."""
    stored = jobs.get_transcript(services().db, owner_id=owner_id, job_id=job_id)
    return stored.without_removed()


def _transcribed(job: jobs.JobRecord, asked: TranscriptionFields) -> Response:
    with exporting(job.id, asked.response_format):
        return _written(job, asked)


def _written(job: jobs.JobRecord, asked: TranscriptionFields) -> Response:
    transcript = transcript_of(job.id, current_owner_id())
    kind = asked.response_format
    if kind == "text":
        answer = make_response(transcript.text + "\n")
        answer.content_type = "text/plain; charset=utf-8"
        return answer
    if kind in ("srt", "vtt"):
        format_ = FORMATS[kind]
        provenance = Provenance(
            job.id,
            PurePath(job.recording.filename).stem,
            job.completed_at,
            people=job.recording.details.people,
            terms=terms_of_job(services().db, job.id),
        )
        answer = make_response(format_.render(transcript, provenance, format_.defaults))
        answer.content_type = f"{format_.media_type}; charset=utf-8"
        return answer
    if kind == "verbose_json":
        return jsonify(verbose(transcript, asked.timestamp_granularities))
    if kind == "diarized_json":
        return jsonify(diarized(transcript))
    return jsonify({"text": transcript.text, "usage": usage(transcript)})


def usage(transcript: Transcript) -> dict[str, Any]:
    return {"type": "duration", "seconds": math.ceil(transcript.duration)}


def verbose(transcript: Transcript, granularities: tuple[str, ...]) -> dict[str, Any]:
    """The body of `verbose_json`: segments are sentences, words are there where asked for."""
    body: dict[str, Any] = {
        "task": "transcribe",
        "language": _LANGUAGES.get(transcript.language, transcript.language),
        "duration": transcript.duration,
        "text": transcript.text,
    }
    if "segment" in granularities or not granularities:
        body["segments"] = [_segment(n, one) for n, one in enumerate(transcript.sentences)]
    if "word" in granularities:
        body["words"] = [
            {"word": word.word, "start": word.start, "end": word.end}
            for sentence in transcript.sentences
            for word in sentence.words
        ]
    return {**body, "usage": usage(transcript)}


def _segment(number: int, sentence: Sentence) -> dict[str, Any]:
    """A sentence with the fields of Whisper's segments; what is not known here has the value of a
    segment that is in order."""
    text = sentence.text.encode()
    return {
        "id": number,
        "seek": 0,
        "start": sentence.start,
        "end": sentence.end,
        "text": sentence.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": _mean_log_confidence(sentence),
        "compression_ratio": round(len(text) / len(zlib.compress(text)), 4),
        "no_speech_prob": 0.0,
    }


def _mean_log_confidence(sentence: Sentence) -> float:
    sure = [word.confidence for word in sentence.words if word.confidence]
    return round(sum(map(math.log, sure)) / len(sure), 4) if sure else 0.0


def diarized(transcript: Transcript) -> dict[str, Any]:
    """The body of `diarized_json`."""
    return {
        "task": "transcribe",
        "duration": transcript.duration,
        "text": transcript.text,
        "segments": speaker_segments(transcript),
        "usage": usage(transcript),
    }


def speaker_segments(transcript: Transcript) -> list[dict[str, Any]]:
    return [
        {
            "type": "transcript.text.segment",
            "id": f"seg_{number}",
            "start": sentence.start,
            "end": sentence.end,
            "text": sentence.text,
            "speaker": sentence.speaker or "",
        }
        for number, sentence in enumerate(transcript.sentences)
    ]
