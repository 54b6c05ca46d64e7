"""The settings of what is kept beside a recording, and of a bucket in place of the data folder."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class StorageSettings(BaseSettings):
    """The part of `shared.settings.Settings` that says how recordings are kept, and where."""

    model_config = SettingsConfigDict(
        env_prefix="LONGSCRIBE_", frozen=True, extra="ignore", protected_namespaces=()
    )

    playable_copy: Literal["auto", "never"] = Field(
        "auto", description="auto: a light copy is made where browsers cannot play a recording."
    )
    s3_bucket: str = Field(
        "", description="Bucket that holds the recordings; empty: they lie in the data folder."
    )
    s3_endpoint: str = Field(
        "", description="Address of an S3-compatible server; empty: that of AWS in the region."
    )
    s3_public_endpoint: str = Field(
        "",
        description="Address at which browsers reach that server, where it is another; empty: the "
        "same.",
    )
    s3_presigned_s: int = Field(
        0,
        ge=0,
        le=3600,
        description="Players are sent to the bucket itself for an owner's recording, by an address "
        "signed for so many seconds. 0: what is heard passes through the web server.",
    )
    s3_region: str = Field("us-east-1", min_length=1, description="Region of the bucket.")
    s3_prefix: str = Field("", description="What the names of all objects begin with, as a folder.")
    s3_access_key_id: SecretStr = Field(
        SecretStr(""),
        description="Access key; empty: the role or the files that AWS's own tools find.",
    )
    s3_secret_access_key: SecretStr = Field(SecretStr(""), description="Its secret.")
    s3_addressing: Literal["auto", "path", "virtual"] = Field(
        "auto",
        description="path: the bucket in the address's path. virtual: in its host name. auto: path "
        "where an endpoint is set.",
    )
    s3_encryption: Literal["", "AES256", "aws:kms"] = Field(
        "", description="Server-side encryption asked for; empty: the bucket's own."
    )
    s3_kms_key_id: str = Field(
        "", description="Key for aws:kms; empty: the default key of the account."
    )
    s3_storage_class: str = Field(
        "",
        pattern="^[A-Z_]*$",
        description="Storage class of recordings, one that answers at once; empty: the bucket's.",
    )
    s3_timeout_s: float = Field(
        30, gt=0, le=300, description="How long an answer of the bucket's server is waited for."
    )

    @field_validator("s3_endpoint", "s3_public_endpoint")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with https:// or http://")
        return value.rstrip("/")

    @field_validator("s3_prefix")
    @classmethod
    def _is_a_folder(cls, value: str) -> str:
        inner = value.strip("/")
        return f"{inner}/" if inner else ""

    @model_validator(mode="after")
    def _keys_go_together(self) -> Self:
        both = self.s3_access_key_id, self.s3_secret_access_key
        if len({bool(one.get_secret_value()) for one in both}) == 2:
            raise ValueError(
                "LONGSCRIBE_S3_ACCESS_KEY_ID and LONGSCRIBE_S3_SECRET_ACCESS_KEY go together: set "
                "both, or neither"
            )
        if self.s3_kms_key_id and self.s3_encryption != "aws:kms":
            raise ValueError(
                "LONGSCRIBE_S3_KMS_KEY_ID is for LONGSCRIBE_S3_ENCRYPTION=aws:kms; set that too"
            )
        return self
