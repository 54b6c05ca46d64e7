"""Requests and answers of the API for correcting a transcript."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.cursors import HIDDEN_PLACE
from shared.transcripts.changes import MOST_CHANGED
from shared.transcripts.corrections import MAX_SENTENCE
from shared.transcripts.values import Rule
from web.api.schemas.errors import ErrorObject
from web.api.schemas.jobs import MAX_PAGE

_LARGEST = 2**31 - 1

_Seconds = Annotated[float, Field(ge=0, le=10**6, allow_inf_nan=False)] | None


class CorrectionIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    text: str = Field(
        description=f"The whole sentence, at most {MAX_SENTENCE} characters or twice the "
        "recognised. Line breaks and control characters become spaces. Empty: the sentence is "
        "left out of every file, and another correction brings it back."
    )
    revision: int = Field(
        ge=0,
        le=_LARGEST,
        description="The revision that this text was made from; 0 is the recognised one.",
    )


class ChangeIn(BaseModel):
    """New text or times of a sentence."""

    model_config = ConfigDict(extra="forbid", strict=True)

    n: int | None = Field(
        ge=0,
        le=_LARGEST,
        description="Null: a new sentence, which needs a text and both times, and gets the next "
        "number.",
    )
    revision: int = Field(
        ge=0, le=_LARGEST, description="The revision that it was made from; 0 of a new one."
    )
    text: str = Field(description="As of a correction.")
    start: _Seconds = Field(None, description="Where it begins; null: as it is.")
    end: _Seconds = Field(None, description="And ends.")


class ChangesIn(BaseModel):
    """Changes of sentences that are made together."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sentences: list[ChangeIn] = Field(min_length=1, max_length=MOST_CHANGED)


class SentenceOut(BaseModel):
    """A sentence at one of its revisions."""

    n: int = Field(
        description="Its place in the recognised transcript, from 0; those that were split off "
        "follow."
    )
    revision: int = Field(description="0 is the recognised text.")
    text: str
    recognised_text: str
    corrected: bool = Field(description="The text differs from the recognised one.")
    start: float = Field(description="Seconds; a correction of the text does not change them.")
    end: float
    origin: int | None = Field(
        description="Of a sentence that was split off: the recognised one that was said then."
    )
    rule: Rule | None = Field(
        description="The rule that made this revision, `replacements` for the lists of words; null "
        "for a person's and for revision 0."
    )
    editor: str | None = Field(
        description="Whose correction it is; null for revision 0 and where a rule came first."
    )
    at: datetime | None = Field(description="When; null for revision 0.")


class ChangesOut(BaseModel):
    """The sentences as they are now, in the order of the changes."""

    job_id: str
    sentences: list[SentenceOut]


class RevisionListOut(BaseModel):
    """Newest first."""

    job_id: str
    revisions: list[SentenceOut]
    next_cursor: str | None


class SentenceRevisionListOut(BaseModel):
    """Revisions of one sentence, newest first."""

    job_id: str
    revisions: list[SentenceOut]
    next_cursor: int | None


class EditedMeanwhileOut(BaseModel):
    """The answer to a correction that was made from an older revision. Nothing was written."""

    error: ErrorObject
    current: SentenceOut = Field(description="The sentence as it is now.")


class RevisionListQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=MAX_PAGE, description="Revisions on a page.")
    cursor: str | None = Field(
        None, pattern=f"^{HIDDEN_PLACE}$", description="`next_cursor` of the page before."
    )


class SentenceRevisionListQuery(BaseModel):
    """The same of one sentence, where the cursor is the number of a revision."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=MAX_PAGE, description="Revisions on a page.")
    cursor: int | None = Field(
        None, ge=0, le=_LARGEST, description="`next_cursor` of the page before."
    )
