"""What was in a recording's file, as the API and the page tell it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.transcripts.recording_report import (
    ClockJump,
    RecordingReport,
    RecordingWarning,
    RecordingWarningCode,
    Span,
    TrackReport,
    TrackUse,
)
from shared.transcripts.values import Transcript
from tests.support import factories, reports
from tests.support.web.web_app import database, make_app

SILENT = Transcript(12.5, "zh", "demo", warnings=("no_speech",))
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}

SAID = {
    RecordingWarningCode.TRACKS_LEFT_OUT: ("Sound track 3 was not heard", "第 3 条音轨没有听取"),
    RecordingWarningCode.CHANNELS_OUT_OF_PHASE: ("For 48 min, channels", "有 48 分的声道互相抵消"),
    RecordingWarningCode.SHORTER_THAN_ANNOUNCED: (
        "is 20 min longer than it is: it was cut off, or never written to its end. The sound ends "
        "at 28:00.",
        "多 20 分：可能被截断，或没有写完。声音在 28:00 处结束。",
    ),
    RecordingWarningCode.DAMAGED_AUDIO_SKIPPED: (
        "2.4 s of the file are damaged and could not be read; what was said there is missing. "
        "First at 0:24.",
        "文件有 2.4 秒已损坏，无法读取，其中所说的内容缺失。首次出现在 0:24。",
    ),
    RecordingWarningCode.SILENCE_FILLED: ("gaps of 60.0 s in all", "缺口共 60.0 秒"),
    RecordingWarningCode.CLOCK_RESET: ("jumps back by 2 h", "时钟倒退了 2 小时"),
    RecordingWarningCode.BYTES_AFTER_THE_END: (
        "goes on for 24 min behind the end that the file tells of; that is in the transcript too. "
        "It begins at 24:06.",
        "之后还有 24 分的声音，也在文字稿里。从 24:06 处开始。",
    ),
    RecordingWarningCode.VERY_QUIET: ("very quiet and was amplified", "说话声很轻，已大幅放大"),
    RecordingWarningCode.CLIPPED: ("For 5 min 10 s the sound", "有 5 分 10 秒的声音过载削顶"),
}


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_url, tmp_path)
    yield made
    database(made).dispose()


def done(rows: Database, report: RecordingReport | None, **values: Any) -> str:
    job_id = factories.submit(rows)
    factories.complete(rows, factories.claim(rows), report=report, **values)
    return job_id


def page_of(client: FlaskClient, job_id: str, language: str = "en") -> str:
    """The text of a job's page, without its tags."""
    response = client.get(f"/jobs/{job_id}", headers={"Accept-Language": LANGUAGES[language]})
    assert response.status_code == 200
    text = html.unescape(re.sub(r"<[^>]+>", "", response.text))
    return re.sub(r"\s+", " ", text)


def test_the_api_tells_what_was_in_the_file(client: FlaskClient, rows: Database) -> None:
    told = client.get(f"/api/v1/jobs/{done(rows, reports.FULL)}").json
    assert told
    assert told["warnings"] == [
        "shorter_than_announced", "damaged_audio_skipped", "tracks_left_out",
    ]  # fmt: skip
    recording = told["recording"]
    warnings = recording.pop("warnings")
    [microphone, call, refused] = recording.pop("tracks")
    assert recording == {
        "container": "matroska,webm",
        "announced_s": 2892.0,
        "decoded_s": 1680.0,
        "parts": 2,
        "picture": "vp9",
        "level_dbfs": -61.5,
        "peak_dbfs": -40.0,
        "gain_db": 38.0,
        "damaged": [{"at": 24.0, "seconds": 2.4}, {"at": 905.0, "seconds": 0.8}],
        "damaged_s": 3.2,
        "filled": [{"at": 24.0, "seconds": 2.4}],
        "filled_s": 2.4,
        "clock_jumps": [
            {"at": 750.0, "seconds": 45.0, "believed": True},
            {"at": 1200.0, "seconds": -7200.0, "believed": False},
        ],
        "clock_drift_s": -1.9,
    }
    assert microphone["channel_use"] == "inverted"
    assert call == {
        "number": 2,
        "codec": "opus",
        "channels": 2,
        "sample_rate": 48_000,
        "language": "eng",
        "title": "Call",
        "use": "separate",
        "channel_use": "selected",
        "starts_s": 5.0,
        "decoded_s": 1672.6,
        "level_dbfs": -48.0,
    }
    assert (refused["use"], refused["language"], refused["level_dbfs"]) == ("left_out", None, None)
    assert [(one["code"], one["seconds"], one["at"]) for one in warnings] == [
        ("shorter_than_announced", 1212.0, 1680.0),
        ("damaged_audio_skipped", 3.2, 24.0),
        ("tracks_left_out", None, None),
    ]


def test_a_list_tells_codes_only(client: FlaskClient, rows: Database) -> None:
    done(rows, reports.FULL)
    [listed] = client.get("/api/v1/jobs").json["jobs"]  # type: ignore[index]
    assert "recording" not in listed
    assert "tracks_left_out" in listed["warnings"]
    assert "A sound track was not heard" in client.get("/").text


def test_a_job_without_a_report_has_no_section(client: FlaskClient, rows: Database) -> None:
    job_id = done(rows, None)
    assert client.get(f"/api/v1/jobs/{job_id}").json["recording"] is None  # type: ignore[index]
    assert "What was in the file" not in page_of(client, job_id)


def test_every_warning_is_tried() -> None:
    assert set(SAID) == set(RecordingWarningCode) == set(reports.BY_WARNING)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", RecordingWarningCode)
def test_a_warning_is_a_sentence_with_its_seconds_and_time(
    client: FlaskClient, rows: Database, code: RecordingWarningCode, language: str
) -> None:
    said = SAID[code][language == "zh"]
    job_id = done(rows, reports.BY_WARNING[code])
    client.set_cookie("longscribe_language", language)  # the API goes by no header
    recording = client.get(f"/api/v1/jobs/{job_id}").json["recording"]  # type: ignore[index]
    [warning] = recording["warnings"]
    assert said in warning["message"]
    text = page_of(client, job_id, language)
    assert text.count(warning["message"]) == 1


@pytest.mark.parametrize("code", RecordingWarningCode)
def test_a_warning_without_numbers_is_a_sentence_too(
    client: FlaskClient, rows: Database, code: RecordingWarningCode
) -> None:
    report = replace(reports.PLAIN, warnings=(RecordingWarning(code),))
    job_id = done(rows, report)
    recording = client.get(f"/api/v1/jobs/{job_id}").json["recording"]  # type: ignore[index]
    [warning] = recording["warnings"]
    assert re.fullmatch(r"[A-Z][^%()]+\.", warning["message"])
    assert (warning["seconds"], warning["at"]) == (None, None)
    assert warning["message"] in page_of(client, job_id)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1446.0, "goes on for 24 min"), (None, "with something that is not sound")],
)
def test_what_follows_the_end_is_called_sound_only_where_it_is(
    client: FlaskClient, rows: Database, seconds: float | None, said: str
) -> None:
    warning = RecordingWarning(RecordingWarningCode.BYTES_AFTER_THE_END, seconds)
    job_id = done(rows, replace(reports.PLAIN, warnings=(warning,)))
    assert said in page_of(client, job_id)
    assert "goes on behind the end that it tells of." in client.get("/").text  # which knows neither


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "31,229 bytes of the file, behind the sound that ends at 28:00, could not be read"),
        ("zh", "文件在声音于 28:00 结束之后还有 31,229 字节无法读取"),
    ],
)
def test_bytes_that_could_not_be_read_are_counted(
    client: FlaskClient, rows: Database, language: str, said: str
) -> None:
    code = RecordingWarningCode.BYTES_AFTER_THE_END
    warning = RecordingWarning(code, at_s=1680.0, bytes_unheard=31_229)
    job_id = done(rows, replace(reports.PLAIN, warnings=(warning,)))
    assert said in page_of(client, job_id, language)


def test_the_page_tells_what_was_in_the_file(client: FlaskClient, rows: Database) -> None:
    text = page_of(client, done(rows, reports.FULL))
    for said in (
        "File Matroska, WebM",
        "Length 28:00; the file tells of 48:12",
        "Joined 2 recordings, one behind the other",
        "speech −62 dB, loudest place −40 dB of full scale; amplified by up to 38 dB",
        "Gaps 2.4 s, filled with silence 0:24 (2.4 s)",
        "Damaged 3.2 s could not be read 0:24 (2.4 s) 15:05 (0.8 s)",
        "12:30 ahead by 45.0 s, and the times follow",
        "20:00 back by 2 h, taken for an error",
        "are 1.9 s apart at the end",
        "Track 1, “Microphone” Chinese AAC stereo 48 kHz 27:57 of sound speech −31 dB Heard "
        "together with the others. Channels of it cancel each other out",
        "Track 2, “Call” English Opus stereo 48 kHz 27:52 of sound speech −48 dB Heard by itself. "
        "Where a channel had no speech beside others, it was left out. It begins at 0:05.",
        "Track 3 MLP 6 channels 48 kHz Not heard.",
    ):
        assert said in text


def test_what_is_as_it_should_be_takes_no_row(client: FlaskClient, rows: Database) -> None:
    text = page_of(client, done(rows, reports.PLAIN))
    assert "Length 48:12 Level" in text
    for name in ("Joined", "Gaps", "Damaged", "Clock", "Drift", "Heard"):
        assert name not in text


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (replace(reports.PLAIN, announced_s=None), "Length 48:12; the file does not tell it"),
        (replace(reports.PLAIN, level_dbfs=None), "Level loudest place −9 dB"),
        (replace(reports.PLAIN, peak_dbfs=30.0, gain_db=-27.0), "+30 dB of full scale; turned"),
        (replace(reports.PLAIN, damaged=(Span(1, 1),), damaged_s=None), "how much that is, is not"),
        (replace(reports.PLAIN, filled=(Span(1, 1),) * 21, filled_s=21.0), "and 1 more"),
        (replace(reports.PLAIN, filled=(Span(1, 1),) * 100, filled_s=900.0), "and more"),
        (replace(reports.PLAIN, clock_jumps=(ClockJump(1, -2, believed=True),)), "back by 2.0 s,"),
        (replace(reports.PLAIN, tracks=()), "Sound tracks none"),
        (replace(reports.PLAIN, tracks=(TrackReport(1, "pcm_s16le", 1, 8000, "und"),)),
         "Track 1 PCM mono 8 kHz 0:00 of sound no speech"),
        (replace(reports.PLAIN, tracks=(TrackReport(1, "aac", 1, 8000, "tlh"),)), "Klingon"),
        (replace(reports.PLAIN, tracks=(TrackReport(1, "aac", 1, 8000, "?"),)), "Track 1 ? AAC"),
        (replace(reports.PLAIN, container="wav"), "File WAV"),
    ],
)  # fmt: skip
def test_other_files_are_told_of_as_plainly(
    client: FlaskClient, rows: Database, report: RecordingReport, said: str
) -> None:
    assert said in page_of(client, done(rows, report))


def _with(*tracks: TrackReport) -> RecordingReport:
    return replace(reports.PLAIN, tracks=tracks)


@pytest.mark.parametrize(
    ("report", "english", "chinese"),
    [
        (_with(TrackReport(1, "aac", 1, 48_000)), "", ""),
        (
            _with(TrackReport(1, "aac", 2, 48_000)),
            " Heard: 1 sound track, 2 channels.",
            "已听取：1 条音轨，2 个声道。",
        ),
        (
            _with(TrackReport(1, "aac", 2, 48_000), TrackReport(2, "aac", 1, 48_000)),
            " Heard: 2 sound tracks, 3 channels.",
            "已听取：2 条音轨，3 个声道。",
        ),
        (
            _with(
                TrackReport(1, "aac", 2, 48_000),
                TrackReport(2, "mlp", 6, 48_000, use=TrackUse.LEFT_OUT),
            ),
            " Heard: 1 of 2 sound tracks, 2 channels.",
            "已听取：2 条音轨中的 1 条，2 个声道。",
        ),
    ],
)
def test_that_nobody_speaks_says_what_was_heard(
    client: FlaskClient, rows: Database, report: RecordingReport, english: str, chinese: str
) -> None:
    job_id = done(rows, report, transcript=SILENT)
    text = page_of(client, job_id)
    assert f"Nobody speaks in this recording, so the transcript is empty.{english}" in text
    assert ("Heard:" in text) is bool(english)
    assert f"文字稿是空的。{chinese}" in page_of(client, job_id, "zh")


def test_a_place_is_a_link_only_where_it_can_be_played(client: FlaskClient, rows: Database) -> None:
    job_id = done(rows, reports.FULL)  # whose recording is not there
    assert 'class="place" href' not in client.get(f"/jobs/{job_id}").text
