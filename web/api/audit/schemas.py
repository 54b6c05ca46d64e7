"""Requests and answers of the API of the audit log."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from shared.audit import KINDS

_LARGEST = 2**63 - 1


def _written_as_a_day(text: object) -> object:
    """Refuse what pydantic would take for a day besides, seconds since 1970 for instance."""
    if isinstance(text, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise ValueError("give a day as year-month-day, 2026-11-30 for instance")
    return text


Day = Annotated[date, BeforeValidator(_written_as_a_day)]


class AuditConditions(BaseModel):
    """Conditions on audit entries; an entry has to fulfil all that are given."""

    model_config = ConfigDict(extra="forbid")

    account: str = Field(
        "", max_length=64, description="The name or the id of an account that acted or is meant."
    )
    kind: str = Field(
        "",
        max_length=32,
        pattern=r"^[a-z_.]*$",
        description=f"What was done to: {', '.join(f'`{kind}`' for kind in KINDS)}; or an act, "
        "`key.made` for instance.",
    )
    since: Day | None = Field(None, description="The first day, in UTC: 2026-11-30.")
    until: Day | None = Field(None, description="The last day, in UTC.")


class AuditQuery(AuditConditions):
    limit: int = Field(100, ge=1, le=1000, description="The most to list.")
    before: int | None = Field(
        None, ge=1, le=_LARGEST, description="`next_before` of the page before."
    )


class AuditExportQuery(AuditConditions):
    format: Literal["csv", "jsonl"] = Field(
        "csv", description="CSV for spreadsheets, or JSON Lines for programs."
    )


class AuditEntryOut(BaseModel):
    id: int
    at: datetime
    act: str = Field(description="`key.made` for instance.")
    account: str | None = Field(description="The name that whoever acted has now.")
    account_id: str | None = Field(description="Null where nobody was signed in.")
    means: str = Field(
        description="`session`, `api_key`, `nobody`, `command` on the machine, or `server`."
    )
    key: str | None = Field(description="What the API key that was sent is for.")
    key_id: str | None
    address: str | None
    request_id: str | None = Field(description="As in the answer's `X-Request-ID` and in the log.")
    object: str = Field(description="The kind of thing that it was done to.")
    object_id: str | None
    about: str | None = Field(description="The name of the account that it concerns.")
    about_id: str | None
    detail: dict[str, Any]


class AuditOut(BaseModel):
    """Entries of the audit log, newest first."""

    entries: list[AuditEntryOut]
    next_before: int | None = Field(description="`before` of the next page; null at the end.")
