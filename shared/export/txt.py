"""Plain text: one sentence a line, or paragraphs with an empty line between them."""

from __future__ import annotations

from shared.export.clock import clock
from shared.export.options import ExportOptions, Provenance
from shared.export.paragraphs import paragraphs, written
from shared.transcripts.values import Transcript


def write(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> str:
    lines = [
        (f"[{clock(paragraph.start)}] " if options.timestamps else "")
        + written(paragraph.sentences, options)
        for paragraph in paragraphs(transcript, options)
    ]
    between = "\n\n" if options.paragraphs else "\n"
    return between.join(lines) + "\n" if lines else ""
