"""The writer of plain text: a sentence a line, or paragraphs separated by empty lines."""

from __future__ import annotations

from shared.export.options import ExportOptions, Provenance
from shared.export.paragraphs import join_sentences, paragraphs
from shared.export.speakers import speaker_prefix
from shared.export.timestamp import timestamp
from shared.transcripts.values import Transcript


def write(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> str:
    lines = [
        (f"[{timestamp(paragraph.start)}] " if options.timestamps else "")
        + speaker_prefix(paragraph.speaker, options)
        + join_sentences(paragraph.sentences, options)
        for paragraph in paragraphs(transcript, options)
    ]
    between = "\n\n" if options.paragraphs else "\n"
    return between.join(lines) + "\n" if lines else ""
