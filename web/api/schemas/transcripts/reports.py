"""Requests and answers of the API of reports and their templates."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.export.reports.named_templates import LONGEST_TEMPLATE_NAME
from shared.export.reports.placeholders import BLOCKS, INLINE, WITH_FIELDS
from shared.export.reports.report import LONGEST_TEMPLATE
from shared.states import TemplateKind


class ReportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["docx", "md"] | None = Field(
        None,
        description="Word or Markdown; without it what the named template is, and Word where none "
        "is named. Of a Word template Word documents only are made.",
    )
    template: str | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_TEMPLATE_NAME,
        description="The name of a template of yours; without it the one that has no name.",
    )
    timestamps: bool = Field(False, description="When each paragraph of the transcript begins.")


class TemplateIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    template: str = Field(
        max_length=LONGEST_TEMPLATE,
        description="Lines of Markdown with placeholders in double braces: "
        f"{', '.join(INLINE)} anywhere; {', '.join(BLOCKS)} alone in a line; "
        f"{', '.join(WITH_FIELDS)} in a line that is repeated.",
    )


class TemplateOut(BaseModel):
    template: str
    own: bool = Field(description="False: the built-in one, in the language of this request.")


class SampleQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: TemplateKind = Field(TemplateKind.WORD, description="A Word document, or Markdown.")
    language: Literal["en", "zh"] | None = Field(
        None, description="Without it that of this request."
    )


class NamedTemplateOut(BaseModel):
    name: str
    kind: TemplateKind
    size_bytes: int
    at: datetime = Field(description="When it was sent.")
    address: str = Field(description="Of the file, below the server's.")


class NamedTemplateListOut(BaseModel):
    """Templates sorted by name."""

    templates: list[NamedTemplateOut]
    most: int = Field(description="How many may be kept.")
