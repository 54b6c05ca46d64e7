"""The file formats of transcripts, each with a writer of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from shared.export import json, markdown, txt
from shared.export.options import ExportOptions, Provenance
from shared.export.subtitles import srt, vtt
from shared.export.subtitles.vtt import write_chapters
from shared.transcripts.values import Transcript
from shared.words.numbers.choice import Numbers
from shared.words.numbers.transcripts import with_written_numbers

Writer = Callable[[Transcript, Provenance, ExportOptions], str]

_TEXT = ("timestamps", "paragraphs", "punctuation", "speakers", "spacing", "numbers")
_SUBTITLES = (
    *("punctuation", "speakers", "spacing", "numbers", "end_marks"),
    *("line_width", "max_lines", "min_seconds", "max_seconds"),
)


@dataclass(frozen=True, slots=True)
class Format:
    """A file format. `write` returns its text, with numbers as the transcript has them; a binary
    format has `write_bytes` too."""

    name: str
    media_type: str
    write: Writer
    supported_options: tuple[str, ...]
    """The names of the ExportOptions that the format supports."""
    defaults: ExportOptions = field(default_factory=ExportOptions)
    """Values of options that a request leaves out. Text and JSON keep the form that they had before
    there were options, for the programs that read them; the others are made for reading."""
    needs_words: bool = True
    """True if the writer needs the times of words, and not only sentences."""
    breaks_lines: bool = False
    """True if the writer breaks lines, and so asks for the terms within which none is broken."""
    suffix: str = ""
    """Suffix of the file's name, where it is not the format's."""
    write_bytes: Callable[[Transcript, Provenance, ExportOptions], bytes] | None = None

    def filename_suffix(self) -> str:
        """Suffix of its files' names, without the dot."""
        return self.suffix or self.name

    def render(
        self, transcript: Transcript, provenance: Provenance, options: ExportOptions
    ) -> bytes:
        """Return the bytes of the file; the same for the same transcript and options."""
        if self.write_bytes is not None:
            return self.write_bytes(_with_numbers(transcript, options), provenance, options)
        return self.text(transcript, provenance, options).encode()

    def text(self, transcript: Transcript, provenance: Provenance, options: ExportOptions) -> str:
        """Return the text of the file; of a document, what it says."""
        return self.write(_with_numbers(transcript, options), provenance, options)


def _with_numbers(transcript: Transcript, options: ExportOptions) -> Transcript:
    is_spoken = options.numbers is Numbers.SPOKEN
    return transcript if is_spoken else with_written_numbers(transcript)


def _docx(transcript: Transcript, provenance: Provenance, options: ExportOptions) -> bytes:
    # python-docx imports lxml: a server that writes no document saves its memory.
    from shared.export import docx

    return docx.write_bytes(transcript, provenance, options)


_FOR_READING = ExportOptions(timestamps=True, paragraphs=True, spacing=True)

FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        Format("txt", "text/plain", txt.write, _TEXT, needs_words=False),
        Format(
            "json",
            "application/json",
            json.write,
            ("paragraphs", "punctuation", "speakers", "spacing", "numbers"),
        ),
        Format(
            "srt",
            "application/x-subrip",
            srt.write,
            _SUBTITLES,
            ExportOptions(spacing=True),
            breaks_lines=True,
        ),
        Format(
            "vtt", "text/vtt", vtt.write, _SUBTITLES, ExportOptions(spacing=True), breaks_lines=True
        ),
        Format(
            "docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            txt.write,
            _TEXT,
            _FOR_READING,
            needs_words=False,
            write_bytes=_docx,
        ),
        Format("md", "text/markdown", markdown.write, _TEXT, _FOR_READING, needs_words=False),
        Format(
            "chapters", "text/vtt", write_chapters, (), needs_words=False, suffix="chapters.vtt"
        ),
    )
}
