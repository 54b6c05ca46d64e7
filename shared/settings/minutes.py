"""The settings of minutes by a language model of one's own."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class MinutesSettings(BaseSettings):
    """The part of `shared.settings.Settings` that says which model writes minutes, if any does."""

    model_config = SettingsConfigDict(
        env_prefix="LONGSCRIBE_", frozen=True, extra="ignore", protected_namespaces=()
    )

    minutes_url: str = Field(
        "",
        description="Base address of an OpenAI-compatible API that writes minutes, "
        "http://127.0.0.1:11434/v1 for instance; empty: none, and nothing is sent anywhere.",
    )
    minutes_model: str = Field("", max_length=255, description="The model's name there.")
    minutes_api_key: SecretStr = Field(
        SecretStr(""), description="The key that is sent with each request; empty: none."
    )
    minutes_window_tokens: int = Field(
        8192,
        ge=2048,
        le=2_000_000,
        description="The model's context window, question and answer together.",
    )
    minutes_timeout_s: float = Field(
        600, gt=0, le=7200, description="Longest wait for one answer of the model."
    )

    @field_validator("minutes_url")
    @classmethod
    def _is_a_base_address(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        if not value:
            return value
        try:
            parts = urlsplit(value)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname)
            valid = valid and parts.port != 0 and len(parts.netloc) <= 255
        except ValueError:
            valid = False
        if not valid:
            raise ValueError("must be an address such as http://127.0.0.1:11434/v1")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError(
                "must have no user, query or fragment; a key belongs into "
                "LONGSCRIBE_MINUTES_API_KEY"
            )
        if not value.isascii() or any(c.isspace() or c < " " for c in value):
            raise ValueError("must be in ASCII and without white space")
        return value

    @field_validator("minutes_api_key")
    @classmethod
    def _fits_into_a_header(cls, value: SecretStr) -> SecretStr:
        if not all("!" <= character <= "~" for character in value.get_secret_value()):
            raise ValueError("must be printable ASCII without spaces")
        return value

    @model_validator(mode="after")
    def _names_a_model(self) -> Self:
        if self.minutes_url and not self.minutes_model.strip():
            raise ValueError(
                "LONGSCRIBE_MINUTES_URL is set and LONGSCRIBE_MINUTES_MODEL is not: name the model"
            )
        return self

    @property
    def writes_minutes(self) -> bool:
        """Return whether minutes can be asked for."""
        return bool(self.minutes_url)

    @property
    def minutes_host(self) -> str:
        """Address that transcripts are sent to, as shown to people: host, and port where one is
        named."""
        return urlsplit(self.minutes_url).netloc
