"""What a person may choose of a file that they take away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How a transcript is written. Which of these a format knows, `Format.takes` says.

    Subtitles are limited as broadcasters limit them: 42 cells a line are 42 Latin letters or 21
    Chinese characters, two lines hide little of the picture, under a second nobody has found the
    line yet, and after seven they have read it twice.
    """

    timestamps: bool = False
    """When each line, or paragraph, begins."""
    paragraphs: bool = False
    """Sentences grouped; else each is a line of its own."""
    punctuation: bool = True
    """Off: a space where a comma or full stop was, as Chinese subtitles have it. Marks that belong
    to a word (3.5, don't) and marks in pairs (quotes, brackets, titles) stay."""
    spacing: bool = False
    """A space between Chinese and Latin letters or digits. Stored text never has it."""
    end_marks: bool = False
    """Subtitles: keep the Chinese comma or full stop that custom drops at the end of a line."""
    line_width: int = 42
    """Subtitles: display cells a line; a Chinese character takes two. Only a single word that is
    longer passes it."""
    max_lines: int = 2
    """Subtitles: lines shown at once."""
    min_seconds: float = 1.0
    """Subtitles: each is shown at least so long, as far as speech around it leaves room."""
    max_seconds: float = 7.0
    """Subtitles: and at most so long."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The least and the most that an option may be."""

    least: float
    most: float


LIMITS = {
    "line_width": Limits(16, 120),
    "max_lines": Limits(1, 3),
    "min_seconds": Limits(0.3, 3.0),
    "max_seconds": Limits(4.0, 20.0),
}


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a file says of where its transcript comes from."""

    job_id: str
    title: str = ""
    """The recording's name without its suffix."""
    completed_at: datetime | None = None
    """When it was recognised, in UTC."""
