"""The settings by which a worker tells how it is."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class WorkerSettings(BaseSettings):
    """The part of `shared.settings.Settings` that concerns the health of workers."""

    model_config = SettingsConfigDict(
        env_prefix="LONGSCRIBE_", frozen=True, extra="ignore", protected_namespaces=()
    )

    worker_health_host: str = Field(
        "127.0.0.1", description="Address a worker answers on when it is asked how it is."
    )
    worker_health_port: Literal["auto", "off"] | int = Field(
        "auto",
        description="Its port. auto: any that is free, named in the health file and the log. off: "
        "none.",
    )
    health_dir: str = Field(
        "",
        description="Where workers keep their health files; empty: a folder of this user's in the "
        "temporary folder.",
    )

    @field_validator("worker_health_port")
    @classmethod
    def _port_is_possible(cls, value: Literal["auto", "off"] | int) -> Literal["auto", "off"] | int:
        if isinstance(value, int) and not 1 <= value <= 65535:
            raise ValueError("must be auto, off or a port from 1 to 65535")
        return value

    @property
    def resolved_health_dir(self) -> Path:
        if self.health_dir:
            return Path(self.health_dir)
        return Path(tempfile.gettempdir()) / f"longscribe-workers-{os.getuid()}"
