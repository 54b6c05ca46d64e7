"""What goes in and out of the API where reports are made."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.export.reports.report import BLOCKS, INLINE, LONGEST_TEMPLATE


class ReportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["docx", "md"] = Field("docx", description="Word or Markdown.")
    timestamps: bool = Field(False, description="When each paragraph of the transcript begins.")


class TemplateIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    template: str = Field(
        max_length=LONGEST_TEMPLATE,
        description="Lines of Markdown with placeholders in double braces: "
        f"{', '.join(INLINE)} anywhere; {', '.join(BLOCKS)} alone in a line.",
    )


class TemplateOut(BaseModel):
    template: str
    own: bool = Field(description="False: the built-in one, in the language of this request.")
