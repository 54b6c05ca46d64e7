"""Values as text on a job's page."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.states import BatchLimit, JobStatus
from web.api.schemas.errors import ErrorObject
from web.api.schemas.jobs import BatchOut, JobLinks, JobOut, ModelOut, TranscriptLinks
from web.i18n.quantities import memory_text, seconds_text
from web.pages.job.statistics import statistics
from web.pages.job.status_text import batch_text, recognition_speed_text, retry_may_help

BATCH = BatchOut(
    batch_size_s=300.0,
    limited_by=BatchLimit.MEMORY,
    reason="a 10-minute recording allows 400 s; 0.9 GB free memory allows 300 s",
    length_ceiling_s=400.0,
    memory_cap_s=300.7,
    headroom_bytes=900_000_000,
    batches=1_234,
    speech_s=537.6,
    padded_s=555.9,
    padding=1.034,
    largest_batch_s=65.2,
    recognition_s=1.24,
    cpu_s=1.9,
    predicted_peak_bytes=812_000_000,
    peak_bytes=531_000_000,
    oom_retries=0,
)
MODEL = ModelOut(name="demo", demo=True, notice="It is small.", device="cpu", dtype="float32")


def a_job(batch: BatchOut | None = BATCH, **values: Any) -> JobOut:
    said: dict[str, Any] = {
        "id": "j",
        "recording_id": "r",
        "status": JobStatus.COMPLETED,
        "stage": None,
        "progress": 1.0,
        "queue_position": None,
        "eta_seconds": None,
        "workers_alive": None,
        "audio_duration": 600.0,
        "filename": "f",
        "title": "会议",
        "date": date(2026, 11, 30),
        "people": [],
        "tags": [],
        "created_at": datetime(2026, 1, 2, tzinfo=UTC),
        "started_at": None,
        "completed_at": None,
        "attempts": 1,
        "batch": batch,
        "real_time_factor_x": 221.9,
        "error": None,
        "warnings": [],
        "confidence": None,
        "metadata": {},
        "priority": 0,
        "tracks": "mix",
        "channels": "mix",
        "speakers": "off",
        "replacements": "on",
        "hotword_lists": True,
        "numbers": "spoken",
        "model": MODEL,
        "links": JobLinks(
            self="",
            transcript=TranscriptLinks(
                txt="", srt="", vtt="", json="", docx="", md="", chapters=""
            ),
            cancel="",
            retry="",
            again="",
            history="",
            audio="",
            peaks="",
            words="",
            speakers="",
            hotwords="",
            page="",
        ),
    }
    return JobOut(**(said | values))


def shown(job: JobOut) -> dict[str, tuple[str, str]]:
    return {statistic.name: (statistic.value, statistic.note) for statistic in statistics(job)}


def test_a_finished_job_has_its_whole_line() -> None:
    assert shown(a_job()) == {
        "Speed": ("222× real time", "the whole job"),
        "Recognition": ("1.2 s", "by the clock"),
        "Processor time": ("1.9 s", "without decoding"),
        "Speech": ("8:57", "of 10:00"),
        "Batches": ("1,234", ""),
        "Padded over speech": ("1.034", "1 is no waste"),
        "Largest batch": ("65.2 s", "padded"),
        "Peak memory": ("0.5 GB", "0.8 GB predicted"),
        "Out of memory": ("never", ""),
        "Model": ("demo", "demonstration"),
        "Device": ("cpu", ""),
        "Precision": ("float32", ""),
    }


def test_a_batch_without_padding_is_not_called_padded() -> None:
    unpadded = BATCH.model_copy(update={"padded_s": BATCH.speech_s, "padding": 1.0})
    line = shown(a_job(unpadded))
    assert line["Padded over speech"] == ("1.000", "1 is no waste")
    assert line["Largest batch"] == ("65.2 s", "")


def test_what_is_not_known_is_not_shown() -> None:
    assert statistics(a_job(None)) == []
    uncounted = dict.fromkeys(
        ("speech_s", "padded_s", "padding", "largest_batch_s", "recognition_s", "cpu_s")
    )
    model = MODEL.model_copy(update={"device": None, "dtype": None})
    line = shown(
        a_job(
            BATCH.model_copy(update={**uncounted, "peak_bytes": None}),
            real_time_factor_x=None,
            model=model,
        )
    )
    assert set(line) == {"Batches", "Out of memory", "Model"}


@pytest.mark.parametrize(("count", "words"), [(1, "once"), (2, "twice"), (7, "7 times")])
def test_running_out_of_memory_is_told(count: int, words: str) -> None:
    line = shown(a_job(BATCH.model_copy(update={"oom_retries": count})))
    assert line["Out of memory"] == (words, "halved")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0 s"), (0.04, "0.04 s"), (0.96, "1.0 s"), (65.24, "65.2 s"), (5400, "1 h 30 min")],
)
def test_seconds_are_as_fine_as_anyone_wants_them(seconds: float, words: str) -> None:
    assert seconds_text(seconds) == words


def test_memory_is_counted_as_the_reason_for_the_batch_size_counts_it() -> None:
    assert memory_text(21_940_000_000) == "21.9 GB"


def test_a_lowered_batch_size_is_not_written_to_the_last_digit() -> None:
    lowered = BATCH.model_copy(update={"batch_size_s": 7.4625, "reason": None})
    assert batch_text(lowered) == "Batches of up to 7.5 s of audio."
    assert batch_text(BATCH).startswith("Batches of up to 300 s of audio: a 10-minute")


def test_a_running_job_says_how_fast_its_speech_is_recognised() -> None:
    running = a_job(status=JobStatus.PROCESSING, real_time_factor_x=None)
    assert recognition_speed_text(running) == "434× real time"
    assert recognition_speed_text(a_job()) == ""
    unknown = BATCH.model_copy(update={"recognition_s": None})
    assert recognition_speed_text(a_job(unknown, status=JobStatus.PROCESSING)) == ""


def test_a_file_that_cannot_be_read_is_not_to_be_tried_again() -> None:
    def failed(code: str) -> JobOut:
        error = ErrorObject(code=code, message="", type="server_error", param=None)
        return a_job(status=JobStatus.FAILED, error=error)

    assert not retry_may_help(failed("unsupported_media"))
    assert retry_may_help(failed("worker_lost"))
    assert retry_may_help(a_job(status=JobStatus.CANCELLED))
