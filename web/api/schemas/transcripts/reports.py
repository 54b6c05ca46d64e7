"""Requests and answers of the API of reports and their templates."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    group: UUID | None = Field(
        None, description="A group that you are in: `template` names one of the group's."
    )
    timestamps: bool = Field(False, description="When each paragraph of the transcript begins.")

    @model_validator(mode="after")
    def _names_one_of_the_group(self) -> Self:
        if self.group is not None and self.template is None:
            raise ValueError("a group's template has a name. Give template too")
        return self


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


class TemplatesQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    group: UUID | None = Field(
        None,
        description="A group that you are in: it is about a template of the group's, which all of "
        "its members use, replace, delete and take for themselves.",
    )


class TemplateGroupIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    group: UUID | None = Field(
        description="A group that you are in, whose the template is from then on; null: it is "
        "yours alone from then on. It is not copied."
    )


class NamedTemplateOut(BaseModel):
    name: str
    kind: TemplateKind
    size_bytes: int
    at: datetime = Field(description="When it was sent, given to the group, or taken out of it.")
    address: str = Field(description="Of the file, below the server's.")
    group: str | None = Field(description="The id of the group whose it is; null: yours.")
    group_name: str | None


class NamedTemplateListOut(BaseModel):
    """Templates sorted by name: one's own, then those of one's groups."""

    templates: list[NamedTemplateOut]
    most: int = Field(description="How many may be kept, and by a group.")
