"""Answer of the API to every request that fails."""

from __future__ import annotations

from pydantic import BaseModel, Field


class ErrorObject(BaseModel):
    message: str = Field(description="For a person: what is wrong and what to do.")
    type: str = Field(description="invalid_request_error or server_error.")
    param: str | None = Field(description="The field or header at fault.")
    code: str = Field(description="Stable; branch on this.")


class ErrorResponse(BaseModel):
    error: ErrorObject
