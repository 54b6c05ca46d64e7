"""Transcripts as files, one small writer a format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.export import json, txt
from shared.export.options import ExportOptions, Provenance
from shared.export.subtitles import srt, vtt
from shared.transcripts.values import Transcript

Writer = Callable[[Transcript, Provenance, ExportOptions], str]

_TEXT = ("timestamps", "paragraphs", "punctuation", "spacing")
_SUBTITLES = (
    *("punctuation", "spacing", "end_marks"),
    *("line_width", "max_lines", "min_seconds", "max_seconds"),
)


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file. `write` gives its text; a format that is no text has `pack` too."""

    name: str
    media_type: str
    write: Writer
    takes: tuple[str, ...]
    """The options that mean something here."""
    defaults: ExportOptions = field(default_factory=ExportOptions)
    """What holds where nothing is said. Text and JSON are what they were before there were
    options, for the programs that read them; what a person opens is made for reading."""
    needs_words: bool = True
    """Its file cannot be written from sentences alone."""
    pack: Callable[[Transcript, Provenance, ExportOptions], bytes] | None = None

    def render(
        self, transcript: Transcript, provenance: Provenance, options: ExportOptions
    ) -> bytes:
        """The bytes of the file; the same for the same transcript and options."""
        if self.pack is not None:
            return self.pack(transcript, provenance, options)
        return self.write(transcript, provenance, options).encode()


def _document(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> bytes:
    # python-docx brings lxml: a server that writes no document does without.
    from shared.export import docx

    return docx.pack(transcript, provenance, options)


FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        Format("txt", "text/plain", txt.write, _TEXT, needs_words=False),
        Format("json", "application/json", json.write, ("paragraphs", "punctuation", "spacing")),
        Format("srt", "application/x-subrip", srt.write, _SUBTITLES, ExportOptions(spacing=True)),
        Format("vtt", "text/vtt", vtt.write, _SUBTITLES, ExportOptions(spacing=True)),
        Format(
            "docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            txt.write,
            _TEXT,
            ExportOptions(timestamps=True, paragraphs=True, spacing=True),
            needs_words=False,
            pack=_document,
        ),
    )
}
