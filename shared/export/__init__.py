"""The file formats of transcripts, each with a writer of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.export import json, txt
from shared.export.options import ExportOptions, Provenance
from shared.export.subtitles import srt, vtt
from shared.transcripts.values import Transcript

Writer = Callable[[Transcript, Provenance, ExportOptions], str]

_TEXT = ("timestamps", "paragraphs", "punctuation", "speakers", "spacing")
_SUBTITLES = (
    *("punctuation", "speakers", "spacing", "end_marks"),
    *("line_width", "max_lines", "min_seconds", "max_seconds"),
)


@dataclass(frozen=True, slots=True)
class Format:
    """A file format. `write` returns its text; a binary format has `write_bytes` too."""

    name: str
    media_type: str
    write: Writer
    supported_options: tuple[str, ...]
    """The names of the ExportOptions that the format supports."""
    defaults: ExportOptions = field(default_factory=ExportOptions)
    """Values of options that a request leaves out. Text and JSON keep the form that they had before
    there were options, for the programs that read them; the others are made for reading."""
    needs_words: bool = True
    """Whether the writer needs the times of words, and not only sentences."""
    write_bytes: Callable[[Transcript, Provenance, ExportOptions], bytes] | None = None

    def render(
        self, transcript: Transcript, provenance: Provenance, options: ExportOptions
    ) -> bytes:
        """Return the bytes of the file; the same for the same transcript and options."""
        if self.write_bytes is not None:
            return self.write_bytes(transcript, provenance, options)
        return self.write(transcript, provenance, options).encode()


def _docx(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> bytes:
    # python-docx imports lxml: a server that writes no document saves its memory.
    from shared.export import docx

    return docx.write_bytes(transcript, provenance, options)


FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        Format("txt", "text/plain", txt.write, _TEXT, needs_words=False),
        Format(
            "json",
            "application/json",
            json.write,
            ("paragraphs", "punctuation", "speakers", "spacing"),
        ),
        Format("srt", "application/x-subrip", srt.write, _SUBTITLES, ExportOptions(spacing=True)),
        Format("vtt", "text/vtt", vtt.write, _SUBTITLES, ExportOptions(spacing=True)),
        Format(
            "docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            txt.write,
            _TEXT,
            ExportOptions(timestamps=True, paragraphs=True, spacing=True),
            needs_words=False,
            write_bytes=_docx,
        ),
    )
}
