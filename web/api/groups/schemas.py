"""Requests and answers of the API of groups."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.accounts import LONGEST_NAME, MOST_KEPT_DAYS


class GroupIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=LONGEST_NAME)


class GroupChangeIn(BaseModel):
    """Changes to a group. Fields left out stay as they are."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)] | None = None
    kept_days: Annotated[int, Field(ge=1, le=MOST_KEPT_DAYS)] | None = Field(
        None,
        description="What members submit from now on is deleted so many days after its end; null: "
        "there is no rule. Of several groups the fewest days count.",
    )

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set or (self.name is None and "name" in self.model_fields_set):
            raise ValueError("give a name, or kept_days")
        return self


class MemberIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        min_length=1, max_length=LONGEST_NAME, description="The name of an account, in full."
    )


class MemberOut(BaseModel):
    id: str
    name: str
    issuer: str | None = Field(
        description="The OpenID Connect provider by whose groups they are in it; null where an "
        "administrator put them in."
    )


class GroupOut(BaseModel):
    id: str
    name: str
    created_at: datetime
    kept_days: int | None = Field(
        description="What members submit is deleted so many days after its end; null: no rule."
    )
    members: list[MemberOut] | None = Field(description="Null for all but administrators.")


class GroupsOut(BaseModel):
    groups: list[GroupOut]
