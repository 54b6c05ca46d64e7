"""The writer of SubRip subtitles (.srt)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import srt

from shared.export.options import LIMITS, ExportOptions, Provenance
from shared.export.speakers import speaker_prefix
from shared.export.subtitles.cue_breaking import break_into_cues
from shared.export.subtitles.names import names_of
from shared.export.typography.display_width import display_width
from shared.export.typography.sanitise import subtitle_text
from shared.transcripts.values import Transcript


def write(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> str:
    options = _with_room_for_names(transcript, options)
    subtitles = [
        srt.Subtitle(
            index=number,
            start=timedelta(milliseconds=cue.start),
            end=timedelta(milliseconds=cue.end),
            content=speaker_prefix(subtitle_text(cue.speaker or ""), options)
            + "\n".join(cue.lines),
        )
        for number, cue in enumerate(
            break_into_cues(transcript, options, names_of(transcript, provenance)), start=1
        )
    ]
    return str(srt.compose(subtitles, reindex=False))


def _with_room_for_names(transcript: Transcript, options: ExportOptions) -> ExportOptions:
    """Make lines so much shorter that the longest name fits before them, where they stay long
    enough."""
    names = {sentence.speaker for sentence in transcript.sentences}
    longest = max((display_width(speaker_prefix(name, options)) for name in names), default=0)
    narrowest = min(options.line_width, round(LIMITS["line_width"].minimum))
    return replace(options, line_width=max(options.line_width - longest, narrowest))
