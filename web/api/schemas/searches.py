"""Requests and answers of the API of searches kept under a name."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.annotations.labels import LONGEST_LABEL
from shared.search.saved import LONGEST_SEARCH_NAME

Show = Literal["all", "waiting", "running", "done", "failed", "cancelled"]
"""The filters of the list by states."""


class SearchNameIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=LONGEST_SEARCH_NAME)


class SearchIn(SearchNameIn):
    """Conditions of a list; one that is left out excludes nothing."""

    show: Show = Field("all", description="Which states.")
    q: str = Field("", max_length=200, description="Words, as `q` of the list of jobs.")
    tag: str = Field("", max_length=LONGEST_LABEL)
    person: str = Field("", max_length=LONGEST_LABEL)


class SearchOut(BaseModel):
    id: str
    name: str
    show: str
    q: str
    tag: str
    person: str
    page: str = Field(description="The list with this search.")


class SearchListOut(BaseModel):
    """Searches sorted by name."""

    searches: list[SearchOut]
