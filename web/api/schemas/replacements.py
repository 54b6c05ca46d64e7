"""Requests and answers of the API of lists of replacements."""

from __future__ import annotations

from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.cursors import HIDDEN_PLACE
from shared.words.replacements.pairs import LONGEST, MOST_PAIRS
from web.api.schemas.jobs import MAX_PAGE


class WhichList(StrEnum):
    """Owner of a list: the person or everybody."""

    OWN = "own"
    EVERYBODY = "everybody"


class ListQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    list: WhichList = Field(
        WhichList.OWN,
        description="`own`, or `everybody`: the list that holds for all and that administrators "
        "write.",
    )
    group: UUID | None = Field(
        None,
        description="A group that you are in, in place of `list`: its list holds for what its "
        "members submit, and all of them write it.",
    )

    @model_validator(mode="after")
    def _names_one_list(self) -> Self:
        if self.group is not None and "list" in self.model_fields_set:
            raise ValueError("list and group name two lists. Give one of them")
        return self


class ReplacementQuery(ListQuery):
    q: str = Field("", max_length=LONGEST, description="Pairs with this in one of their sides.")
    limit: int = Field(50, ge=1, le=MAX_PAGE, description="Pairs on a page.")
    cursor: str | None = Field(
        None, pattern=f"^{HIDDEN_PLACE}$", description="`next_cursor` of the page before."
    )


class ReplacementIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    wrong: str = Field(
        min_length=1,
        max_length=LONGEST,
        description="What the recogniser writes; a letter, a digit or a Chinese character is in "
        "it. Case and width do not count, and it is found as whole words only: `API` not in "
        "`APIs`.",
    )
    right: str = Field(
        min_length=1,
        max_length=LONGEST,
        description="What is written instead. The same as `wrong`: it stays as it is, where a "
        "shorter pair or everybody's list would change it.",
    )


class ReplacementOut(BaseModel):
    """A pair of a list."""

    id: int
    wrong: str
    right: str


class ReplacementListOut(BaseModel):
    """Pairs, the newest first."""

    replacements: list[ReplacementOut]
    total: int = Field(description=f"Of the whole list; at most {MOST_PAIRS}.")
    writable: bool = Field(description="Whether you may change this list.")
    next_cursor: str | None


class ListChangeOut(BaseModel):
    """Number of pairs changed in a list."""

    added: int = Field(description="Pairs that are new, or have another right side.")
    removed: int = Field(description="Pairs that are gone, or had another right side.")
    total: int


class RulesIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    applied: bool = Field(
        description="Off: every sentence that reads as a rule wrote it gets its recognised text "
        "back. On: every sentence that reads as it was recognised gets what the rules had written."
    )


class RulesOut(BaseModel):
    """Number of sentences of a transcript that read as its rules wrote them."""

    job_id: str
    applied: int = Field(description="Sentences that read as a rule wrote them.")
    undone: int = Field(
        description="Sentences that a rule had changed and that read as they were recognised."
    )
