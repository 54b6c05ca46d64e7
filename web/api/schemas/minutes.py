"""Requests and answers of the API of minutes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.minutes.contents import LONGEST_NAME, LONGEST_TEXT, MOST_POINTS, MOST_SENTENCES
from shared.states import EventKind, MinutesStatus
from web.api.schemas.errors import ErrorObject

MOST_BYTES = 4 * 2**20
"""Largest body of a change: every point of every kind at its longest."""


class MinutesIn(BaseModel):
    """A request for minutes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    language: Literal["zh", "en"] | None = Field(
        None, description="In which they are written; left out, that of your request."
    )
    again: bool = Field(False, description="Replace those that are finished.")


class PointIn(BaseModel):
    """A point as you leave it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = Field(min_length=1, max_length=LONGEST_TEXT)
    sentences: list[Annotated[int, Field(ge=0, lt=10**7)]] = Field(
        default=[], max_length=MOST_SENTENCES
    )
    owner: str = Field("", max_length=LONGEST_NAME)
    due: str = Field("", max_length=LONGEST_NAME)


class MinutesContentIn(BaseModel):
    """Minutes as you leave them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    summary: list[PointIn] = Field(default=[], max_length=MOST_POINTS)
    decisions: list[PointIn] = Field(default=[], max_length=MOST_POINTS)
    todos: list[PointIn] = Field(default=[], max_length=MOST_POINTS)
    chapters: list[PointIn] = Field(default=[], max_length=MOST_POINTS)


class MinutesChangeIn(BaseModel):
    """A change of finished minutes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    revision: int = Field(
        ge=0, le=2**31 - 1, description="The revision that this change is made from."
    )
    minutes: MinutesContentIn | None = Field(
        None, description="All that they are to be; null: as the model wrote them."
    )
    accepted: bool = Field(False, description="You have read them, and they hold.")


class PointOut(BaseModel):
    text: str = Field(description="Plain text by a model: never HTML.")
    sentences: list[int] = Field(
        description="The sentences it rests on, from 0; empty: without source."
    )
    start: float | None = Field(
        description="Seconds from the start of the recording, from the first of them."
    )
    owner: str = Field(description="Of a to-do: who does it, or empty.")
    due: str = Field(description="Of a to-do: when, as it was said, or empty.")
    unverified: list[str] = Field(
        description="Names and numbers in it that do not stand in those sentences."
    )


class MinutesContentOut(BaseModel):
    summary: list[PointOut]
    decisions: list[PointOut]
    todos: list[PointOut]
    chapters: list[PointOut]


class MinutesProgressOut(BaseModel):
    done: int = Field(description="Answers of the model so far.")
    planned: int | None = Field(description="How many there will be; null until that is known.")


class MinutesEventOut(BaseModel):
    at: datetime
    kind: EventKind
    attempt: int | None
    detail: dict[str, Any]


class MinutesOut(BaseModel):
    job_id: str
    status: MinutesStatus
    language: str
    model: str | None = Field(description="Who wrote them; null until somebody began.")
    host: str | None = Field(description="Where the transcript was sent.")
    prompt_version: str = Field(description="Of the prompts that the model was asked with.")
    progress: MinutesProgressOut
    attempts: int
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    available_at: datetime = Field(description="Nobody begins before this.")
    error: ErrorObject | None
    outdated: bool | None = Field(
        description="The transcript was changed since; null until they are completed."
    )
    edited: bool
    revision: int
    accepted_at: datetime | None
    minutes: MinutesContentOut | None
    events: list[MinutesEventOut]


class MarksKeptOut(BaseModel):
    added: int = Field(description="Marks that were not there before.")


class MinutesFileQuery(BaseModel):
    format: Literal["md", "txt", "docx"] = Field("md", description="Markdown, text or Word.")


class PromptIn(BaseModel):
    """A prompt as you want it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: str


class PromptOut(BaseModel):
    language: str
    name: str
    text: str
    default: str = Field(description="The text that comes with Longscribe.")
    changed: bool


class PromptListOut(BaseModel):
    prompts: list[PromptOut]
