"""Accounts of recordings: one that has something of everything, and one for each warning."""

from __future__ import annotations

from dataclasses import replace

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

_MICROPHONE = TrackReport(
    1, "aac", 2, 48_000, "zho", "Microphone", decoded_s=2892.0, level_dbfs=-31.4
)

PLAIN = RecordingReport(
    container="mov,mp4,m4a,3gp,3g2,mj2",
    announced_s=2892.0,
    decoded_s=2892.0,
    tracks=(_MICROPHONE,),
    level_dbfs=-31.4,
    peak_dbfs=-9.2,
    gain_db=8.4,
)

FULL = RecordingReport(
    container="matroska,webm",
    announced_s=2892.0,
    decoded_s=1680.0,
    tracks=(
        replace(_MICROPHONE, channel_use=ChannelUse.INVERTED, decoded_s=1677.6),
        TrackReport(
            2, "opus", 2, 48_000, "eng", "Call", TrackUse.SEPARATE, ChannelUse.SELECTED,
            starts_s=5.0, decoded_s=1672.6, level_dbfs=-48.0,
        ),
        TrackReport(3, "mlp", 6, 48_000, use=TrackUse.LEFT_OUT),
    ),
    parts=2,
    picture="vp9",
    level_dbfs=-61.5,
    peak_dbfs=-40.0,
    gain_db=38.0,
    damaged=(Span(24.0, 2.4), Span(905.0, 0.8)),
    damaged_s=3.2,
    filled=(Span(24.0, 2.4),),
    filled_s=2.4,
    clock_jumps=(ClockJump(750.0, 45.0, believed=True), ClockJump(1200.0, -7200.0, believed=False)),
    clock_drift_s=-1.9,
    warnings=(
        RecordingWarning(RecordingWarningCode.SHORTER_THAN_ANNOUNCED, 1212.0, 1680.0),
        RecordingWarning(RecordingWarningCode.DAMAGED_AUDIO_SKIPPED, 3.2, 24.0),
        RecordingWarning(RecordingWarningCode.TRACKS_LEFT_OUT),
    ),
)  # fmt: skip

BY_WARNING = {
    RecordingWarningCode.TRACKS_LEFT_OUT: replace(FULL, warnings=FULL.warnings[2:]),
    RecordingWarningCode.CHANNELS_OUT_OF_PHASE: replace(
        PLAIN,
        tracks=(replace(_MICROPHONE, channel_use=ChannelUse.INVERTED),),
        warnings=(RecordingWarning(RecordingWarningCode.CHANNELS_OUT_OF_PHASE, 2892.0, 0.0),),
    ),
    RecordingWarningCode.SHORTER_THAN_ANNOUNCED: replace(
        PLAIN,
        decoded_s=1680.0,
        warnings=(RecordingWarning(RecordingWarningCode.SHORTER_THAN_ANNOUNCED, 1212.0, 1680.0),),
    ),
    RecordingWarningCode.DAMAGED_AUDIO_SKIPPED: replace(
        PLAIN,
        damaged=(Span(24.0, 2.4),),
        damaged_s=2.4,
        warnings=(RecordingWarning(RecordingWarningCode.DAMAGED_AUDIO_SKIPPED, 2.4, 24.0),),
    ),
    RecordingWarningCode.SILENCE_FILLED: replace(
        PLAIN,
        filled=tuple(Span(60.0 * number, 1.5) for number in range(1, 41)),
        filled_s=60.0,
        warnings=(RecordingWarning(RecordingWarningCode.SILENCE_FILLED, 60.0, 60.0),),
    ),
    RecordingWarningCode.CLOCK_RESET: replace(
        PLAIN,
        clock_jumps=(ClockJump(750.0, -7200.0, believed=False),),
        warnings=(RecordingWarning(RecordingWarningCode.CLOCK_RESET, -7200.0, 750.0),),
    ),
    RecordingWarningCode.BYTES_AFTER_THE_END: replace(
        PLAIN,
        parts=2,
        announced_s=1446.0,
        warnings=(RecordingWarning(RecordingWarningCode.BYTES_AFTER_THE_END, 1446.0, 1446.0),),
    ),
    RecordingWarningCode.VERY_QUIET: replace(
        PLAIN,
        tracks=(replace(_MICROPHONE, level_dbfs=-66.0),),
        level_dbfs=-66.0,
        peak_dbfs=-51.0,
        gain_db=43.0,
        warnings=(RecordingWarning(RecordingWarningCode.VERY_QUIET),),
    ),
    RecordingWarningCode.CLIPPED: replace(
        PLAIN,
        level_dbfs=-3.0,
        peak_dbfs=30.0,
        gain_db=-20.0,
        warnings=(RecordingWarning(RecordingWarningCode.CLIPPED, 310.0, 12.0),),
    ),
}
