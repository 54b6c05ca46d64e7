"""Requests and answers of the API for reading a transcript in parts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MOST_SENTENCES = 1000
"""Sentences of one answer, an hour and more of a meeting."""

_LONGEST_S = 10**7
"""Largest time in seconds, far above any recording."""


class SentencesQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    start: float = Field(
        0, ge=0, le=_LONGEST_S, description="Seconds: only what is still said after this."
    )
    end: float | None = Field(
        None, ge=0, le=_LONGEST_S, description="Seconds: only what begins before this."
    )
    limit: int = Field(200, ge=1, le=MOST_SENTENCES, description="Sentences of an answer.")
    cursor: int = Field(0, ge=0, le=10**7, description="`next_cursor` of the answer before.")


class SaidOut(BaseModel):
    n: int = Field(description="Its address below `/sentences`, and its place on the page (#s12).")
    start: float = Field(description="Seconds.")
    end: float
    text: str
    speaker: str | None = Field(description="Who says it; null where that is not known.")


class SentencesOut(BaseModel):
    """Part of a transcript's sentences in order, with their corrections."""

    job_id: str
    duration: float = Field(description="Of the recording, seconds.")
    language: str
    speakers: list[str] = Field(description="All who are named, in the order they first speak.")
    sentences: list[SaidOut]
    next_cursor: int | None = Field(description="Null after the last one that was asked for.")
