"""The options of transcripts that are downloaded, one or several."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.export.formats import FORMATS
from shared.export.options import LIMITS
from shared.transcripts.values import Version
from shared.words.numbers.choice import Numbers

PREVIEW_LINES = 40

MOST_IN_ZIP = 500
"""Jobs of one zip file."""

_AS_TEXT = Field(strict=False)
"""Field whose value JSON has as text; the types of all else are those that JSON has."""


def _limited(name: str, description: str) -> Any:
    limits = LIMITS[name]
    return Field(None, ge=limits.minimum, le=limits.maximum, description=description)


class ExportChoices(BaseModel):
    """A format, and options that it takes."""

    model_config = ConfigDict(extra="forbid")

    format: str = Field(
        "txt",
        description=f"{', '.join(FORMATS)}.",
        json_schema_extra={"enum": [*FORMATS]},
    )
    version: Annotated[Version, _AS_TEXT] = Field(
        Version.CURRENT,
        description="`current` has the corrections, `recognised` is what the model wrote.",
    )
    timestamps: bool | None = Field(
        None, description="txt, docx, md: when each line or paragraph begins."
    )
    paragraphs: bool | None = Field(
        None, description="txt, docx, md, json: sentences grouped at pauses; json lists the groups."
    )
    punctuation: bool | None = Field(
        None, description="All: off puts a space in the place of commas, full stops and their like."
    )
    speakers: bool | None = Field(
        None, description="All: who speaks, where that is known; off leaves the names out."
    )
    spacing: bool | None = Field(
        None, description="All: a space between Chinese and Latin letters or digits."
    )
    numbers: Annotated[Numbers, _AS_TEXT] | None = Field(
        None, description="All: `written` has spoken numbers in digits, 85万元 for 八十五万元."
    )
    end_marks: bool | None = Field(
        None,
        description="srt, vtt: keep the Chinese comma or full stop at the end of a line.",
    )
    line_width: int | None = _limited(
        "line_width", "srt, vtt: display cells a line; a Chinese character takes two."
    )
    max_lines: int | None = _limited("max_lines", "srt, vtt: lines shown at once.")
    min_seconds: float | None = _limited("min_seconds", "srt, vtt: how long a cue stays at least.")
    max_seconds: float | None = _limited("max_seconds", "srt, vtt: and at most.")


class TranscriptQuery(ExportChoices):
    """The options of a transcript; docs/exports.md lists the defaults of each format."""

    preview: bool = Field(
        False,
        description=f"The first {PREVIEW_LINES} lines only, as plain text to be shown; of a "
        "document, its text. A last line of … says that there is more.",
    )


class ZipRequest(ExportChoices):
    """Request for the transcripts of several jobs in one file."""

    model_config = ConfigDict(strict=True)

    jobs: list[Annotated[UUID, _AS_TEXT]] = Field(
        min_length=1, max_length=MOST_IN_ZIP, description="Whose transcripts; each once."
    )
