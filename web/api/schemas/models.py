"""Answers of the API about the models that workers run."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class KnownModelOut(BaseModel):
    name: str = Field(description="What a submission sends as `model`, and what transcripts tell.")
    demo: bool = Field(description="The bundled demonstration, not a model for real recordings.")
    workers_alive: int = Field(
        description="Workers of it that reported themselves lately, busy or not. 0: a job that "
        "names it waits until one starts."
    )
    jobs_at_once: int = Field(
        description="Jobs that these run at once, without those that something keeps from work."
    )
    seen_at: datetime = Field(description="When a worker of it last reported itself.")
    takes_hotwords: bool | None = Field(
        description="Whether words that are named with a job are of use; null until one loaded it."
    )


class ModelsOut(BaseModel):
    """Models sorted by name."""

    models: list[KnownModelOut]
