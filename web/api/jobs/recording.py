"""Report on a recording's file, as the API presents it."""

from __future__ import annotations

from shared.transcripts.recording_report import RecordingReport, Span
from web.api.schemas.recording import (
    ClockJumpOut,
    RecordingOut,
    RecordingWarningOut,
    SpanOut,
    TrackOut,
)
from web.i18n.warnings import recording_warning_text


def present_recording(report: RecordingReport) -> RecordingOut:
    """A report as the API shows it."""
    return RecordingOut(
        container=report.container,
        announced_s=report.announced_s,
        decoded_s=report.decoded_s,
        tracks=[TrackOut.model_validate(track) for track in report.tracks],
        parts=report.parts,
        picture=report.picture,
        level_dbfs=report.level_dbfs,
        peak_dbfs=report.peak_dbfs,
        gain_db=report.gain_db,
        damaged=[_span(span) for span in report.damaged],
        damaged_s=report.damaged_s,
        filled=[_span(span) for span in report.filled],
        filled_s=report.filled_s,
        clock_jumps=[
            ClockJumpOut(at=jump.at_s, seconds=jump.seconds, believed=jump.believed)
            for jump in report.clock_jumps
        ],
        clock_drift_s=report.clock_drift_s,
        warnings=[
            RecordingWarningOut(
                code=warning.code,
                seconds=warning.seconds,
                at=warning.at_s,
                message=recording_warning_text(warning, report),
            )
            for warning in report.warnings
        ],
    )


def _span(span: Span) -> SpanOut:
    return SpanOut(at=span.at_s, seconds=span.seconds)
