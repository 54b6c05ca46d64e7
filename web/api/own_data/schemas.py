"""Requests and answers of the API of an account's own data."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from shared.export.formats import FORMATS

_FORMAT = f"({'|'.join(FORMATS)})?"


class OwnDataQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    formats: str = Field(
        "json,txt",
        max_length=100,
        description="Formats of transcripts, with commas between them; empty: none.",
        json_schema_extra={"pattern": f"^({_FORMAT}(,{_FORMAT})*)$"},
    )
    recordings: bool = Field(False, description="With the sound, as it was submitted.")


class ErasureIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    password: str = Field(
        min_length=1, max_length=256, description="Of the account: a key alone erases nothing."
    )


class ErasureOut(BaseModel):
    """Number of items that are still to be deleted. The deletion continues without further
    requests."""

    jobs: int
    running: int = Field(description="Of these, what a worker stops within a batch.")
    others: int = Field(description="Uploads and fetches.")
