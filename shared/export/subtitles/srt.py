"""The writer of SubRip subtitles (.srt)."""

from __future__ import annotations

from datetime import timedelta

import srt

from shared.export.options import ExportOptions, Provenance
from shared.export.subtitles.cue_breaking import break_into_cues
from shared.transcripts.values import Transcript


def write(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> str:
    subtitles = [
        srt.Subtitle(
            index=number,
            start=timedelta(milliseconds=cue.start),
            end=timedelta(milliseconds=cue.end),
            content="\n".join(cue.lines),
        )
        for number, cue in enumerate(break_into_cues(transcript, options), start=1)
    ]
    return str(srt.compose(subtitles, reindex=False))
