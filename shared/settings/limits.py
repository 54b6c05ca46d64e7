"""The settings of what is accepted: sizes, lengths, how much may wait, and how long it is kept."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class LimitSettings(BaseSettings):
    """The part of `shared.settings.Settings` that bounds what people submit."""

    model_config = SettingsConfigDict(
        env_prefix="LONGSCRIBE_", frozen=True, extra="ignore", protected_namespaces=()
    )

    max_upload_bytes: int = Field(8 * 2**30, gt=0, description="Largest file accepted.")
    upload_silence_s: float = Field(
        60,
        gt=0,
        description="An upload that sends nothing for so long is broken off, and a download of "
        "which nothing is taken.",
    )
    transfer_least_bytes_s: float = Field(
        1000,
        ge=0,
        description="Bytes a second below which, on an average over 30 s, an upload or download "
        "is broken off. 0: none.",
    )
    upload_expires_hours: float = Field(
        24, gt=0, description="An interrupted upload is kept so long after its last byte."
    )
    max_audio_s: float = Field(12 * 3600, gt=0, description="Longest recording, decoded seconds.")
    max_queued_hours: float = Field(
        1000,
        ge=0,
        description="Hours of audio that may wait; beyond, submissions are refused. 0: no limit.",
    )
    owner_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Of the hours that may wait and of the recordings' disk, as far as others "
        "leave them, the share that one account may hold while there are others. 1: all.",
    )
    owner_queued_hours: float = Field(
        0, ge=0, description="Hours of audio that one account may have waiting. 0: its share."
    )
    owner_queued_jobs: int = Field(
        5000, ge=0, description="Jobs that one account may have waiting. 0: any number."
    )
    owner_open_uploads: int = Field(
        100, ge=0, description="Uploads without a job yet that one account may have. 0: any number."
    )
    owner_stored_bytes: int = Field(
        0,
        ge=0,
        description="Bytes of recordings, with what open uploads announced, that one account may "
        "have. 0: its share.",
    )
    owner_monthly_hours: float = Field(
        0,
        ge=0,
        description="Hours of audio that one account may submit in a month, unless an "
        "administrator gave it another quota. 0: any number.",
    )
    answer_within_s: float = Field(
        540,
        gt=0,
        description="A request that waits for its transcript (/v1/audio/transcriptions) is told "
        "after so long that its job goes on, and where.",
    )
    max_waiting: int = Field(
        500,
        ge=1,
        le=1500,
        description="Requests of a web process that wait for jobs at once, without a thread each.",
    )
    min_free_bytes: int = Field(
        2**30, ge=0, description="Disk space that uploads and decoding never touch."
    )

    retention_days: float = Field(
        0,
        ge=0,
        description="A finished job is deleted so many days after its end, with its recording and "
        "transcript. 0: kept until somebody deletes it.",
    )
    audit_days: float = Field(
        365,
        ge=0,
        description="An entry of the audit log is deleted after so many days, and an API key as "
        "long after it was revoked. 0: never.",
    )
