"""Requests and answers of the API for fetching recordings from a URL."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from shared.fetches.requests import FetchRecord, FetchState
from shared.outbound.addresses import LONGEST_URL
from web.api.schemas.errors import ErrorObject
from web.api.schemas.submission import SubmitOptions
from web.errors import job_error_object


class FetchSubmission(SubmitOptions):
    """A submission of a recording that this server fetches."""

    url: str = Field(
        min_length=1,
        max_length=LONGEST_URL,
        description="Where the recording is, https://example.org/meeting.mp3 for instance.",
    )
    filename: str | None = Field(
        None,
        max_length=255,
        description="What it is called; without, the last part of the address.",
    )


class FetchOut(BaseModel):
    id: str = Field(description="Of the job too, once it is one.")
    url: str
    filename: str
    status: FetchState = Field(description="submitted: it is a job now, at /api/v1/jobs/{id}.")
    received_bytes: int
    size_bytes: int | None = Field(description="As the address tells it; null until it does.")
    progress: float | None = Field(description="The share that is here; null while not known.")
    created_at: datetime
    ended_at: datetime | None
    error: ErrorObject | None = Field(
        description="Why it failed, or why the last attempt did while it is tried again."
    )


class FetchListOut(BaseModel):
    fetches: list[FetchOut]


def fetch_out(fetch: FetchRecord) -> FetchOut:
    size, code = fetch.size_bytes, fetch.error_code
    error = job_error_object(code, fetch.error_message or "") if code else None
    return FetchOut(
        id=fetch.id,
        url=fetch.url,
        filename=fetch.filename,
        status=fetch.state,
        received_bytes=fetch.received_bytes,
        size_bytes=size,
        progress=round(min(1.0, fetch.received_bytes / size), 4) if size else None,
        created_at=fetch.created_at,
        ended_at=fetch.ended_at,
        error=ErrorObject.model_validate(error) if error else None,
    )
