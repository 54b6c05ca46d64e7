"""What goes in and out of the API of groups."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from shared.accounts import LONGEST_NAME


class GroupIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=LONGEST_NAME)


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
    members: list[MemberOut] | None = Field(description="Null for all but administrators.")


class GroupsOut(BaseModel):
    groups: list[GroupOut]
