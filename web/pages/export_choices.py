"""The formats and options that the export dialog offers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from flask_babel import gettext as _

from shared.export.formats import FORMATS
from shared.export.options import LIMITS
from shared.words.numbers.choice import Numbers

_FOR_READING = {"txt": {"paragraphs": True, "spacing": True}}
"""Defaults of the dialog that differ from the format's own, which are made for programs."""


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A format with the options that it accepts and their initial values (`choices`)."""

    name: str
    label: str
    choices: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ExportToggle:
    """A box to tick; `on` and `off` are its values where they are others than true and false."""

    name: str
    label: str
    on: str = ""
    off: str = ""


@dataclass(frozen=True, slots=True)
class ExportNumber:
    name: str
    label: str
    minimum: float
    maximum: float
    step: float


def export_formats() -> list[ExportFormat]:
    """List the formats, the most used first."""
    labels = {
        "txt": _("Plain text"),
        "docx": _("Word document"),
        "md": _("Markdown"),
        "srt": _("SRT subtitles"),
        "vtt": _("WebVTT subtitles"),
        "chapters": _("WebVTT chapters"),
        "json": _("JSON with word times"),
    }
    formats = []
    for name, label in labels.items():
        defaults = asdict(FORMATS[name].defaults) | _FOR_READING.get(name, {})
        choices = {option: defaults[option] for option in FORMATS[name].supported_options}
        formats.append(ExportFormat(name, label, choices))
    return formats


def export_toggles() -> list[ExportToggle]:
    return [
        ExportToggle("timestamps", _("Times")),
        ExportToggle("paragraphs", _("Paragraphs")),
        ExportToggle("punctuation", _("Punctuation")),
        ExportToggle("speakers", _("Names of speakers")),
        ExportToggle("end_marks", _("Comma or full stop at the end of a Chinese line")),
        ExportToggle("spacing", _("Space between Chinese and Latin")),
        ExportToggle("numbers", _("Numbers in digits"), Numbers.WRITTEN, Numbers.SPOKEN),
    ]


def export_numbers() -> list[ExportNumber]:
    labels = {
        "line_width": (_("Width of a line (a Chinese character counts two)"), 1.0),
        "max_lines": (_("Lines at once"), 1.0),
        "min_seconds": (_("Seconds at least"), 0.1),
        "max_seconds": (_("Seconds at most"), 0.1),
    }
    return [
        ExportNumber(name, label, LIMITS[name].minimum, LIMITS[name].maximum, step)
        for name, (label, step) in labels.items()
    ]
