"""The account of a recording survives being stored."""

from __future__ import annotations

import json

from shared.transcripts.recording_report import (
    ChannelUse,
    ClockJump,
    RecordingReport,
    RecordingWarning,
    RecordingWarningCode,
    Span,
    TrackReport,
    TrackUse,
)

REPORT = RecordingReport(
    container="matroska,webm",
    announced_s=48.2,
    decoded_s=28.0,
    tracks=(
        TrackReport(1, "aac", 2, 48_000, "zho", "Microphone", TrackUse.MIXED, ChannelUse.INVERTED),
        TrackReport(2, "mlp", 6, 48_000, use=TrackUse.LEFT_OUT),
    ),
    parts=2,
    picture="vp9",
    level_dbfs=-61.5,
    peak_dbfs=-40.0,
    gain_db=38.0,
    damaged=(Span(24.0, 2.4),),
    damaged_s=2.4,
    filled=(Span(24.0, 2.4),),
    filled_s=2.4,
    clock_jumps=(ClockJump(12.5, 7200.0, believed=True),),
    clock_drift_s=-1.9,
    warnings=(RecordingWarning(RecordingWarningCode.SHORTER_THAN_ANNOUNCED, 20.2, 28.0),),
)


def test_a_report_is_the_same_after_json() -> None:
    assert RecordingReport.from_json(json.loads(json.dumps(REPORT.to_json()))) == REPORT


def test_fields_of_a_later_version_are_passed_over() -> None:
    stored = REPORT.to_json() | {"loudness": 3}
    stored["tracks"][0]["bit_depth"] = 24

    assert RecordingReport.from_json(stored) == REPORT


def test_fields_of_a_later_version_are_not_wanted() -> None:
    stored = {"container": "wav", "announced_s": None, "decoded_s": 1.5}

    assert RecordingReport.from_json(stored) == RecordingReport("wav", None, 1.5)
