"""The options of an export, their limits, and the origin of the transcript."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from shared.words.numbers.choice import Numbers


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Options for writing a transcript. `Format.supported_options` lists those that a format
    supports.

    The defaults of subtitles are broadcasters' usual limits: 42 cells a line, which are 42 Latin
    letters or 21 Chinese characters, two lines, and one to seven seconds.
    """

    timestamps: bool = False
    """Write the time at which each line or paragraph begins."""
    paragraphs: bool = False
    """Group sentences into paragraphs; without it each sentence is a line of its own."""
    punctuation: bool = True
    """Write punctuation; off: a space for a comma or full stop, as is usual in Chinese subtitles.
    Marks that belong to a word (3.5, don't) and marks in pairs (quotes, brackets, titles) stay."""
    speakers: bool = True
    """Name who speaks, where that is known. Off: two speakers still share no line."""
    spacing: bool = False
    """Put a space between Chinese and Latin letters or digits. Stored text never has it."""
    numbers: Numbers = Numbers.SPOKEN
    """Write numbers in digits; words that make one share its time."""
    end_marks: bool = False
    """Subtitles: keep the Chinese comma or full stop at the end of a line, usually omitted."""
    line_width: int = 42
    """Subtitles: display cells a line; a Chinese character takes two. Only a single word may exceed
    it."""
    max_lines: int = 2
    """Subtitles: lines in a cue."""
    min_seconds: float = 1.0
    """Subtitles: a cue is shown at least this long, unless the next one has to begin earlier."""
    max_seconds: float = 7.0
    """Subtitles: a cue is shown at most this long."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The range of an option's values, both ends included."""

    minimum: float
    maximum: float


LIMITS = {
    "line_width": Limits(16, 120),
    "max_lines": Limits(1, 3),
    "min_seconds": Limits(0.3, 3.0),
    "max_seconds": Limits(4.0, 20.0),
}


@dataclass(frozen=True, slots=True)
class FileMark:
    """A marked place as files tell it; `kind` is 'chapter', 'bookmark', 'note', 'decision' or
    'todo', and `who` and `due` are those of a to-do."""

    kind: str
    at_s: float
    text: str
    who: str = ""
    due: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Facts about a job that its exported files state."""

    job_id: str
    title: str = ""
    """Title of the recording as a person gave it, or else its file's name without the suffix."""
    completed_at: datetime | None = None
    """Time at which the job was completed, in UTC; None: not yet."""
    day: date | None = None
    """Day of the recording, as far as it is known."""
    people: tuple[str, ...] = ()
    """People who took part, as a person entered them."""
    marks: tuple[FileMark, ...] = ()
    """Marked places, in order of time."""
    summary: tuple[str, ...] = ()
    """The points of a summary, where a model wrote one and somebody asked for it."""
    terms: tuple[str, ...] = ()
    """Words that the job was given, which no line of a subtitle is broken within."""

    @property
    def chapters(self) -> list[tuple[float, str]]:
        """Start in seconds and title of each chapter."""
        return [(mark.at_s, mark.text) for mark in self.marks if mark.kind == "chapter"]
