"""The writer of WebVTT subtitles (.vtt)."""

from __future__ import annotations

import html

import webvtt
from webvtt.models import Timestamp

from shared.export.options import ExportOptions, Provenance
from shared.export.speakers import shown_name
from shared.export.subtitles.cue_breaking import break_into_cues
from shared.export.subtitles.names import names_of
from shared.export.typography.sanitise import subtitle_text
from shared.transcripts.values import Transcript


def write(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> str:
    document = webvtt.WebVTT()
    for cue in break_into_cues(transcript, options, names_of(transcript, provenance)):
        document.captions.append(
            webvtt.Caption(
                start=_timestamp(cue.start),
                end=_timestamp(cue.end),
                text=_voice(cue.speaker, options) + _escaped("\n".join(cue.lines)),
            )
        )
    return str(document.content) + "\n"


def write_chapters(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> str:
    """The chapters as a track of a player: each from its beginning to that of the next."""
    document = webvtt.WebVTT()
    starts = [at_s for at_s, _ in provenance.chapters]
    ends = [*starts[1:], max([transcript.duration, *starts])]
    for (at_s, title), end_s in zip(provenance.chapters, ends[: len(starts)], strict=True):
        document.captions.append(
            webvtt.Caption(
                start=_timestamp(round(at_s * 1000)),
                end=_timestamp(round(max(end_s, at_s + 0.001) * 1000)),
                text=_escaped(subtitle_text(title)),
            )
        )
    return str(document.content) + "\n"


def _voice(speaker: str | None, options: ExportOptions) -> str:
    """The tag that names who says the whole cue; empty where nobody is named."""
    name = subtitle_text(shown_name(speaker, options))
    return f"<v {_escaped(name)}>" if name else ""


def _escaped(text: str) -> str:
    # < and & would start a tag or an entity, and > ends a name.
    return html.escape(text, quote=False)


def _timestamp(milliseconds: int) -> str:
    return str(
        Timestamp(
            hours=milliseconds // 3_600_000,
            minutes=milliseconds // 60_000 % 60,
            seconds=milliseconds // 1000 % 60,
            milliseconds=milliseconds % 1000,
        )
    )
