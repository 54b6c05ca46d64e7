"""Tasks and transcriptions in DashScope's shape: milliseconds of the recording, and the times of a
task by the server's clock."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from shared import jobs
from shared.fetches.requests import FetchRecord, FetchState
from shared.states import JobStatus
from shared.transcripts.values import Sentence, Transcript

_STATUSES = {
    JobStatus.QUEUED: "PENDING",
    JobStatus.PROCESSING: "RUNNING",
    JobStatus.CANCELLING: "RUNNING",
    JobStatus.COMPLETED: "SUCCEEDED",
    JobStatus.FAILED: "FAILED",
    JobStatus.CANCELLED: "CANCELED",
}

_OF_FETCHES = {
    FetchState.WAITING: "PENDING",
    FetchState.FETCHING: "RUNNING",
    FetchState.SUBMITTED: "PENDING",
    FetchState.FAILED: "FAILED",
    FetchState.CANCELLED: "CANCELED",
}

_MARKS = "，。？！；：、,.?!;:…"


def begun(job: jobs.JobRecord) -> dict[str, Any]:
    return _answer(job, {"task_id": job.id, "task_status": _STATUSES[job.status]})


def shown_fetch(fetch: FetchRecord) -> dict[str, Any]:
    """A recording that is no job yet, or became none."""
    status = _OF_FETCHES[fetch.state]
    output: dict[str, Any] = {"task_id": fetch.id, "task_status": status}
    output["submit_time"] = _time(fetch.created_at)
    if fetch.ended_at is not None:
        output["end_time"] = _time(fetch.ended_at)
    if fetch.state is FetchState.FAILED:
        error = {"code": fetch.error_code or "", "message": fetch.error_message or ""}
        output |= error
        output["results"] = [{"file_url": fetch.url, "subtask_status": status, **error}]
        output["task_metrics"] = {"TOTAL": 1, "SUCCEEDED": 0, "FAILED": 1}
    return {"request_id": fetch.id, "output": output}


def shown_task(job: jobs.JobRecord, *, file_url: str, transcription_url: str) -> dict[str, Any]:
    """State of a task, with the address of its transcription once there is one."""
    output: dict[str, Any] = {"task_id": job.id, "task_status": _STATUSES[job.status]}
    for name, at in (
        ("submit_time", job.created_at),
        ("scheduled_time", job.started_at),
        ("end_time", job.completed_at),
    ):
        if at is not None:
            output[name] = _time(at)
    succeeded, failed = job.status == JobStatus.COMPLETED, job.status == JobStatus.FAILED
    if succeeded or failed:
        result = {"file_url": file_url, "subtask_status": output["task_status"]}
        if succeeded:
            result["transcription_url"] = transcription_url
        else:
            error = {"code": job.error_code or "", "message": job.error_message or ""}
            result |= error
            output |= error
        output["results"] = [result]
        output["task_metrics"] = {"TOTAL": 1, "SUCCEEDED": int(succeeded), "FAILED": int(failed)}
    answer = _answer(job, output)
    if succeeded:
        answer["usage"] = {"duration": math.ceil(job.recording.duration_s or 0)}
    return answer


def transcription(transcript: Transcript, file_url: str) -> dict[str, Any]:
    """Document at the address of a transcription."""
    numbers: dict[str, int] = {}
    sentences = [
        _sentence(number, sentence, numbers)
        for number, sentence in enumerate(transcript.sentences, start=1)
    ]
    spoken_ms = sum(one["end_time"] - one["begin_time"] for one in sentences)
    return {
        "file_url": file_url,
        "properties": {"original_duration_in_milliseconds": _ms(transcript.duration)},
        "transcripts": [
            {
                "channel_id": 0,
                "content_duration_in_milliseconds": spoken_ms,
                "text": transcript.text,
                "sentences": sentences,
            }
        ],
    }


def _sentence(number: int, sentence: Sentence, numbers: dict[str, int]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "begin_time": _ms(sentence.start),
        "end_time": _ms(sentence.end),
        "text": sentence.text,
        "sentence_id": number,
    }
    if sentence.speaker:
        shown["speaker_id"] = numbers.setdefault(sentence.speaker, len(numbers))
    return shown | {"words": _words(sentence)}


def _words(sentence: Sentence) -> list[dict[str, Any]]:
    """The words, each with the mark that follows it in the sentence's text."""
    words, at = [], 0
    for word in sentence.words:
        found = sentence.text.find(word.word, at)
        at = at if found < 0 else found + len(word.word)
        mark = sentence.text[at : at + 1] if found >= 0 else ""
        words.append(
            {
                "begin_time": _ms(word.start),
                "end_time": _ms(word.end),
                "text": word.word,
                "punctuation": mark if mark and mark in _MARKS else "",
            }
        )
    return words


def _answer(job: jobs.JobRecord, output: dict[str, Any]) -> dict[str, Any]:
    return {"request_id": job.id, "output": output}


def _time(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
