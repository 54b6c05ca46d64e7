"""Report on a recording, from what the decoder and the mixer found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from shared.transcripts.recording_report import (
    MOST_SPANS,
    ChannelUse,
    ClockJump,
    RecordingReport,
    RecordingWarning,
    RecordingWarningCode,
    Span,
    TrackReport,
    TrackUse,
)
from worker.audio.decoder.claims import DoneClaim, HeaderClaim, TrackClaim
from worker.audio.hole_filling import Placement
from worker.audio.mixing.formats import MixSummary
from worker.recogniser import SAMPLE_RATE

_LEAST_MISSING_S = 1.0
"""A container that tells of less more than it has rounds, or counts a last frame's padding."""

_LEAST_HOLE_S = 0.5
"""Voice codecs send nothing in silence for up to 0.4 s; such holes are filled and not told."""

_LEAST_BYTES_BEHIND = 1 << 16
"""Bytes beyond what a header tells up to which there is nothing to know."""

_LEAST_UNHEARD_BYTES = 1 << 10
"""Least unheard bytes that are told: as many hold a second of speech in the most sparing coding,
and all that is known to be no sound is not counted."""

_LEAST_PHASE_S = 1.0
_LEAST_QUIET_S = 1.0
_LEAST_CLIPPED_SHARE = 0.1
"""Words go wrong from about a fifth of the sound on (measured with the bundled model)."""


def make_report(
    header: HeaderClaim,
    done: DoneClaim,
    placement: Placement,
    mix: MixSummary,
    *,
    samples: int,
    one_track: bool,
    one_channel: bool,
) -> RecordingReport:
    """The report on a recording of which `samples` were decoded, silence included.

    one_track, one_channel: whether only one was asked for, so that the others are not missed.
    """
    warnings = _warnings(header, done, placement, mix, samples, one_track=one_track)
    first = done.tracks[0]
    damaged = [Span(round(at, 3), round(lost, 3)) for at, lost in _damaged(done)]
    lost_s = sum(span.seconds for span in damaged)
    return RecordingReport(
        container=header.container,
        announced_s=header.announced_s,
        decoded_s=samples / SAMPLE_RATE,
        duration_s=placement.clock.heard_s(samples),
        tracks=tuple(
            _track(track, placement, mix, one_track=one_track, one_channel=one_channel)
            for track in header.tracks
        ),
        parts=header.parts,
        picture=header.picture,
        level_dbfs=_tenths(mix.level_dbfs),
        peak_dbfs=_tenths(mix.peak_dbfs),
        gain_db=round(mix.gain_db, 1),
        damaged=tuple(damaged[:MOST_SPANS]),
        damaged_s=lost_s or None,
        filled=tuple(placement.filled),
        filled_s=round(placement.filled_s, 3),
        clock_jumps=tuple(
            ClockJump(round(at, 3), round(seconds, 3), believed)
            for at, seconds, believed in first.jumps
        ),
        clock_drift_s=round(first.drift_s, 3),
        warnings=tuple(warnings),
    )


def combine_reports(reports: Sequence[RecordingReport]) -> RecordingReport:
    """Combine the reports of the takes of one recording into one report.

    Each track comes from the take in which it was heard; sums and the first place of equal
    warnings are taken over all.
    """
    first = reports[0]
    if len(reports) == 1:
        return first
    tracks = {track.number: track for track in first.tracks}
    warnings: dict[RecordingWarningCode, RecordingWarning] = {}
    for report in reports:
        for track in report.tracks:
            if track.use is not TrackUse.LEFT_OUT:
                tracks[track.number] = track
        for warning in report.warnings:
            warnings.setdefault(warning.code, warning)
    levels = [report.level_dbfs for report in reports if report.level_dbfs is not None]
    peaks = [report.peak_dbfs for report in reports if report.peak_dbfs is not None]
    return replace(
        first,
        decoded_s=max(report.decoded_s for report in reports),
        duration_s=max(report.duration_s for report in reports),
        tracks=tuple(tracks.values()),
        level_dbfs=max(levels, default=None),
        peak_dbfs=max(peaks, default=None),
        gain_db=max((report.gain_db for report in reports), key=abs),
        warnings=tuple(warnings.values()),
    )


def _track(
    track: TrackClaim,
    placement: Placement,
    mix: MixSummary,
    *,
    one_track: bool,
    one_channel: bool,
) -> TrackReport:
    common = TrackReport(
        number=track.number,
        codec=track.codec,
        channels=track.channels,
        sample_rate=track.sample_rate,
        language=track.language,
        title=track.title,
        use=TrackUse.LEFT_OUT,
    )
    if track.index is None:
        return common
    heard = mix.tracks[track.index]
    return TrackReport(
        number=common.number,
        codec=common.codec,
        channels=common.channels,
        sample_rate=common.sample_rate,
        language=common.language,
        title=common.title,
        use=TrackUse.SEPARATE if one_track else TrackUse.MIXED,
        channel_use=ChannelUse.SEPARATE if one_channel else heard.channel_use,
        starts_s=round(placement.starts_s[track.index] or 0.0, 3),
        decoded_s=round(placement.samples[track.index] / SAMPLE_RATE, 3),
        level_dbfs=_tenths(heard.level_dbfs),
    )


def _damaged(done: DoneClaim) -> list[tuple[float, float]]:
    """Damaged places in order of time; those within a second are one."""
    merged: list[tuple[float, float]] = []
    for at, lost in sorted(place for track in done.tracks for place in track.damaged):
        if merged and at <= merged[-1][0] + merged[-1][1] + 1.0:
            merged[-1] = (merged[-1][0], merged[-1][1] + lost)
        else:
            merged.append((at, lost))
    return merged


def _warnings(
    header: HeaderClaim,
    done: DoneClaim,
    placement: Placement,
    mix: MixSummary,
    samples: int,
    *,
    one_track: bool,
) -> Iterator[RecordingWarning]:
    code = RecordingWarningCode
    heard_s = placement.clock.heard_s
    late_s = sum(track.late_s for track in mix.tracks)
    left_out = len(header.tracks) > len(header.heard) and not one_track
    if left_out or late_s > 0 or done.unheard_tracks:
        yield RecordingWarning(code.TRACKS_LEFT_OUT, round(late_s, 3) or None)
    phase = [track for track in mix.tracks if track.out_of_phase_s >= _LEAST_PHASE_S]
    if phase:
        yield RecordingWarning(
            code.CHANNELS_OUT_OF_PHASE,
            round(sum(track.out_of_phase_s for track in phase), 1),
            _first(track.out_of_phase_at_s for track in phase),
        )
    end_s = heard_s(samples)
    missing_s = (header.announced_s or 0.0) - end_s
    if missing_s >= _LEAST_MISSING_S:
        yield RecordingWarning(code.SHORTER_THAN_ANNOUNCED, round(missing_s, 1), round(end_s, 1))
    elif not header.has_end_mark:
        yield RecordingWarning(code.SHORTER_THAN_ANNOUNCED, None, round(end_s, 1))
    if any(track.corrupt_packets for track in done.tracks):
        damaged = _damaged(done)
        lost_s = round(sum(lost for _, lost in damaged), 1)
        at_s = round(damaged[0][0], 1) if damaged else None
        yield RecordingWarning(code.DAMAGED_AUDIO_SKIPPED, lost_s or None, at_s)
    holes = [span for span in placement.filled if span.seconds >= _LEAST_HOLE_S]
    if holes:
        yield RecordingWarning(
            code.SILENCE_FILLED, round(sum(span.seconds for span in holes), 1), holes[0].at_s
        )
    resets = [jump for jump in done.tracks[0].jumps if not jump[2]]
    if resets:
        yield RecordingWarning(code.CLOCK_RESET, round(resets[0][1], 1), round(resets[0][0], 1))
    if done.unheard_bytes >= _LEAST_UNHEARD_BYTES:
        yield RecordingWarning(
            code.BYTES_AFTER_THE_END,
            at_s=round(done.unheard_bytes_at, 1),
            bytes_unheard=done.unheard_bytes,
        )
    if header.seconds_behind_end is not None:
        yield RecordingWarning(
            code.BYTES_AFTER_THE_END,
            round(header.seconds_behind_end, 1),
            round(max(0.0, end_s - header.seconds_behind_end), 1),
        )
    elif header.bytes_behind_end >= _LEAST_BYTES_BEHIND:
        yield RecordingWarning(code.BYTES_AFTER_THE_END)
    if mix.quiet_s >= _LEAST_QUIET_S:
        yield RecordingWarning(code.VERY_QUIET, round(mix.quiet_s, 1), mix.quiet_at_s)
    if mix.clipped_s >= max(1.0, _LEAST_CLIPPED_SHARE * end_s):
        yield RecordingWarning(code.CLIPPED, round(mix.clipped_s, 1), mix.clipped_at_s)


def _first(places: Iterator[float | None] | Sequence[float | None]) -> float | None:
    return min((place for place in places if place is not None), default=None)


def _tenths(level_db: float | None) -> float | None:
    return None if level_db is None else round(level_db, 1)
