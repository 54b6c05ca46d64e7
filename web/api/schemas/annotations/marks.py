"""Requests and answers of the API of marks in a recording."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from shared.annotations.labels import LONGEST_LABEL
from shared.annotations.marks import LATEST_S, LONGEST_MARK, MarkKind

_At = Annotated[float, Field(ge=0, le=LATEST_S, description="Seconds from the recording's start.")]
_Who = Annotated[str, Field(max_length=LONGEST_LABEL, description="Of a to-do: who does it.")]
_Due = Annotated[
    str, Field(max_length=LONGEST_LABEL, description="Of a to-do: by when, in any words.")
]

MOST_AT_ONCE = 200


class MarkIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: MarkKind = Field(
        description="`chapter`, whose text is its title, `bookmark`, `note`, `decision` or `todo`."
    )
    at: _At
    text: str = Field("", max_length=LONGEST_MARK, description="Only a bookmark needs none.")
    who: _Who = ""
    due: _Due = ""


class MarksIn(BaseModel):
    """Marks to add, all of them or none."""

    model_config = ConfigDict(extra="forbid")

    marks: list[MarkIn] = Field(min_length=1, max_length=MOST_AT_ONCE)


class MarkChangeIn(BaseModel):
    """Changes to a mark. Fields left out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    kind: MarkKind = MarkKind.BOOKMARK
    at: _At = 0.0
    text: str = Field("", max_length=LONGEST_MARK)
    who: _Who = ""
    due: _Due = ""

    def changes(self) -> dict[str, Any]:
        """The fields that the request names, as `change_mark` takes them."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if "at" in given:
            given["at_s"] = given.pop("at")
        return given


class MarkOut(BaseModel):
    id: str
    kind: MarkKind
    at: float
    text: str
    who: str
    due: str


class MarkListOut(BaseModel):
    """Marks of a recording in order of time."""

    job_id: str
    marks: list[MarkOut]


class ProposedChapter(BaseModel):
    at: float = Field(description="Seconds from the recording's start.")
    title: str


class ChapterProposalOut(BaseModel):
    """Proposal of chapters. It is not stored: send the chapters that you want to keep as marks."""

    job_id: str
    chapters: list[ProposedChapter]
