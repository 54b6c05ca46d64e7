"""The settings of recognition: batches, voice activity and confidence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class RecognitionSettings(BaseSettings):
    """The part of `shared.settings.Settings` that says how a loaded model is used."""

    model_config = SettingsConfigDict(
        env_prefix="LONGSCRIBE_", frozen=True, extra="ignore", protected_namespaces=()
    )

    # --- batches
    batch_size_s: Literal["auto"] | float = Field(
        "auto",
        description="Padded seconds of audio in one forward pass: auto, or a number that free "
        "memory still caps.",
    )
    batch_ceiling_short_s: float = Field(
        300, gt=0, description="Ceiling for recordings under 5 minutes."
    )
    batch_ceiling_medium_s: float = Field(
        400, gt=0, description="Ceiling for recordings under 30 minutes."
    )
    batch_ceiling_long_s: Literal["auto"] | Annotated[float, Field(gt=0)] = Field(
        "auto",
        description="Ceiling for longer recordings. auto: 600; on a GPU as much as it gains by, "
        "600 to 6,000, by what a forward pass was measured to cost.",
    )
    memory_reserve_fraction: float = Field(
        0.1, ge=0, lt=1, description="Share of the free memory that batches leave alone."
    )

    # --- voice activity
    vad_end_silence_ms: int = Field(
        800, ge=100, le=10_000, description="Silence that ends a segment, in milliseconds."
    )
    max_segment_s: float = Field(
        60, ge=20, le=600, description="Longer speech is cut at its quietest point before this."
    )

    # --- confidence
    low_confidence: float = Field(
        0.6,
        ge=0,
        le=1,
        description="Words that the model gave a lower probability are marked, and where many are, "
        "the transcript gets a warning. 0: neither.",
    )

    @field_validator("batch_size_s")
    @classmethod
    def _batch_size_is_positive(cls, value: Literal["auto"] | float) -> Literal["auto"] | float:
        if value != "auto" and not 1 <= value <= 100_000:
            raise ValueError("must be auto or a number of seconds from 1 to 100000")
        return value
