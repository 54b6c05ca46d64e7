"""Requests and answers of the API of searches kept under a name."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.annotations.labels import LONGEST_LABEL
from shared.search.saved import LONGEST_SEARCH_NAME

Show = Literal["all", "waiting", "running", "done", "failed", "cancelled"]
"""The filters of the list by states."""


class SearchQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    group: UUID | None = Field(
        None,
        description="A group that you are in: it is about a search of the group's, which all of "
        "its members use, rename, delete and take for themselves.",
    )


class SearchChangeIn(BaseModel):
    """Change of a search: its name or its group."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_SEARCH_NAME)] | None = None
    group: Annotated[UUID, Field(strict=False)] | None = Field(
        None,
        description="A group that you are in: the search is the group's from then on. Each member "
        "finds by it what is theirs to see. null: it is yours alone from then on.",
    )

    @model_validator(mode="after")
    def _is_one_change(self) -> Self:
        if (self.name is None) is ("group" not in self.model_fields_set):
            raise ValueError("give a name, or a group")
        return self


class SearchIn(BaseModel):
    """Conditions of a list; one that is left out excludes nothing."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=LONGEST_SEARCH_NAME)
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
    page: str = Field(description="The list with this search: of what is yours to see.")
    group: str | None = Field(description="The id of the group whose it is; null: yours.")
    group_name: str | None


class SearchListOut(BaseModel):
    """Searches sorted by name: one's own, then those of one's groups."""

    searches: list[SearchOut]
