"""Requests and answers of the API for sharing jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.accounts import LONGEST_NAME
from shared.sharing import LONGEST_LINK_DAYS, LONGEST_LINK_NAME, AccessLevel, SharingChange
from shared.states import JobStatus

_LARGEST = 10**6 - 1


class ShareIn(BaseModel):
    """Person or group to share with: a colleague by name, or a group. Sharing with the same again
    changes what they may do."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_NAME,
        description="The name with which your colleague signs in, in full.",
    )
    group: UUID | None = Field(None, description="In place of a name, the id of a group of yours.")
    access: Literal["read", "correct"] = Field(
        description="`read`: listen, read, export. `correct`: also correct sentences and say who "
        "speaks."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.name is None) == (self.group is None):
            raise ValueError("give either the name of a colleague or the id of a group")
        return self


class LinkIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=LONGEST_LINK_NAME, description="What the link is for.")
    days: int = Field(
        7, ge=1, le=LONGEST_LINK_DAYS, strict=True, description="After so many days it ends."
    )
    with_sound: bool = Field(False, strict=True, description="The recording can be heard too.")
    sentence: int | None = Field(
        None, ge=0, le=_LARGEST, strict=True, description="The number of the one to open at."
    )


class ShareOut(BaseModel):
    id: str
    name: str = Field(description="As you wrote it; this does not say that an account has it.")
    access: AccessLevel
    created_at: datetime
    group: str | None = Field(description="The id of the group; null of a colleague.")
    opened_at: datetime | None = Field(
        description="When they used the recording last, to within a minute; null before."
    )


class LinkOut(BaseModel):
    id: str
    name: str
    with_sound: bool
    sentence: int | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = Field(description="To within a minute; null before.")


class NewLinkOut(LinkOut):
    """The address is told here and never again: only a digest of it is kept."""

    address: str


class SharingChangeOut(BaseModel):
    kind: SharingChange
    at: datetime
    detail: dict[str, Any] = Field(description="`name` of the colleague or link, and more.")
    editor: str


class SharingOut(BaseModel):
    """People and groups who may see a job beside its owner, and the changes of that, oldest
    first."""

    job_id: str
    shares: list[ShareOut]
    links: list[LinkOut]
    links_allowed: bool = Field(description="Whether the operator allows links without sign-in.")
    history: list[SharingChangeOut]


class ReceivedQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=100, description="The most to list.")
    cursor: str | None = Field(
        None, pattern=r"^[0-9a-f-]{36}$", description="`next_cursor` of the page before."
    )
    group: UUID | None = Field(
        None, description="What is shared with this group of yours; without it all that is."
    )


class ReceivedJobOut(BaseModel):
    id: str
    title: str
    owner: str = Field(description="The name of whoever shares it.")
    access: AccessLevel
    status: JobStatus
    duration: float | None = Field(description="Seconds; null until it was decoded.")
    created_at: datetime
    shared_at: datetime


class ReceivedJobsOut(BaseModel):
    jobs: list[ReceivedJobOut]
    next_cursor: str | None
