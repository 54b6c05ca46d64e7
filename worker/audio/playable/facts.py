"""Facts about a recording that decide whether it needs a playable copy."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from shared.transcripts.recording_report import RecordingReport, RecordingWarningCode
from worker.audio.decoder.claims import HeaderClaim
from worker.audio.playable.needed import RecordingFacts
from worker.audio.playable.signature import Signature


def facts_of(header: HeaderClaim, heard: Collection[int], signature: Signature) -> RecordingFacts:
    """Facts known before decoding. `heard`: the numbers of the tracks in the transcript."""
    played = header.tracks[0]
    flagged = [track.number for track in header.tracks if track.is_default]
    # Which of the two a browser plays, the first or the flagged, differs.
    is_certain = not flagged or played.number in flagged
    return RecordingFacts(
        container=header.container,
        codec=played.codec,
        plays_what_is_heard=is_certain and set(heard) == {played.number},
        parts=header.parts,
        has_right_size=header.seconds_behind_end is None,
        has_length=header.duration_s is not None,
        is_fragmented=signature.is_fragmented,
        is_rf64=signature.is_rf64,
    )


def with_outcome(
    facts: RecordingFacts, report: RecordingReport, *, has_even_bit_rate: bool
) -> RecordingFacts:
    """Facts completed by those known after decoding."""
    codes = {warning.code for warning in report.warnings}
    return replace(
        facts,
        has_even_bit_rate=has_even_bit_rate,
        is_very_quiet=RecordingWarningCode.VERY_QUIET in codes,
    )
