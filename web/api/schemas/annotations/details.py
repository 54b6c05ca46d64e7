"""Requests and answers of the API of a recording's title, date, people and tags."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.annotations.details import EARLIEST, LATEST, LONGEST_TITLE, MOST_PEOPLE, MOST_TAGS
from shared.annotations.edits import AnnotationEditKind
from shared.annotations.labels import LONGEST_LABEL

_LABELS: dict[str, Any] = {"items": {"type": "string", "maxLength": LONGEST_LABEL}}


class DetailsIn(BaseModel):
    """Changes to a recording's details. Fields left out stay as they are."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: str | None = Field(
        None,
        max_length=LONGEST_TITLE,
        description="What the recording is called, in lists, in documents and in the names of "
        "downloads. Null or empty: by its file's name without the suffix.",
    )
    date: str | None = Field(
        None,
        description=f"When it was recorded, as 2026-11-30; from {EARLIEST} to {LATEST}. Null: when "
        "it was submitted.",
    )
    people: list[str] = Field(
        default_factory=list,
        max_length=MOST_PEOPLE,
        description="Who took part, in the order of documents.",
        json_schema_extra=_LABELS,
    )
    tags: list[str] = Field(
        default_factory=list,
        max_length=MOST_TAGS,
        description="Words to find it by.",
        json_schema_extra=_LABELS,
    )

    def changes(self) -> dict[str, Any]:
        """The fields that the request names."""
        return self.model_dump(exclude_unset=True)


class LabelsOut(BaseModel):
    """People and tags that were given before, the first hundred of each in order."""

    people: list[str]
    tags: list[str]


class EditOut(BaseModel):
    """A change of what people say about a recording."""

    number: int = Field(description="Counts a job's changes from 1.")
    kind: AnnotationEditKind
    before: dict[str, Any] = Field(description="What it changed, as it was.")
    after: dict[str, Any] = Field(description="The same as it was then.")
    undoes: int | None = Field(description="The change that it took back.")
    editor: str
    at: datetime


class EditListOut(BaseModel):
    """Oldest first; of very many changes the newest."""

    job_id: str
    edits: list[EditOut]
