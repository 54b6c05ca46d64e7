"""The settings of mail and pushes that tell people of the ends of their jobs."""

from __future__ import annotations

import re
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_PORTS = {"starttls": 587, "tls": 465, "none": 25}

_ADDRESS = re.compile(r"[!-~]+@[!-~]+")


class NotificationSettings(BaseSettings):
    """The part of `shared.settings.Settings` that says how people are told."""

    model_config = SettingsConfigDict(
        env_prefix="LONGSCRIBE_", frozen=True, extra="ignore", protected_namespaces=()
    )

    mail_host: str = Field(
        "", max_length=255, description="The SMTP server that takes mail; empty: no mail is sent."
    )
    mail_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Its port; 0: 587 for starttls, 465 for tls, 25 for none.",
    )
    mail_security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="starttls: encrypted after a first line in the open. tls: from the beginning. "
        "none: in the open, and then with a password to this machine only. Certificates are "
        "checked.",
    )
    mail_user: str = Field("", max_length=255, description="The name to sign in with; empty: none.")
    mail_password: SecretStr = Field(SecretStr(""), description="The password for it.")
    mail_from: str = Field(
        "",
        max_length=320,
        description="The sender: longscribe@example.org, or Longscribe <longscribe@example.org>.",
    )
    mail_timeout_s: float = Field(
        30, gt=0, le=120, description="Longest time for sending one mail, as a whole."
    )

    push_contact: str = Field(
        "",
        max_length=320,
        description="Where push services of browsers reach the operator, mailto:ops@example.org or "
        "an address that begins with https://; empty: no notifications in browsers.",
    )

    @field_validator("push_contact")
    @classmethod
    def _is_a_contact(cls, value: str) -> str:
        value = value.strip()
        if value and not re.fullmatch(r"(mailto:[!-~]+@[!-~]+|https://[!-~]+)", value):
            raise ValueError("must be mailto:ops@example.org, or begin with https://")
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_a_sender(cls, value: str) -> str:
        value = value.strip()
        address = parseaddr(value)[1]
        if value and not (value.isprintable() and _ADDRESS.fullmatch(address)):
            raise ValueError("must be an address such as longscribe@example.org")
        return value

    @field_validator("mail_host")
    @classmethod
    def _is_a_host(cls, value: str) -> str:
        value = value.strip()
        if value and (not value.isascii() or any(c in value for c in "/@ ") or "://" in value):
            raise ValueError("must be a host's name or address alone, such as mail.example.org")
        return value

    @model_validator(mode="after")
    def _can_send_mail(self) -> Self:
        if not self.mail_host:
            return self
        if not self.mail_from:
            raise ValueError(
                "LONGSCRIBE_MAIL_HOST is set and LONGSCRIBE_MAIL_FROM is not: name the sender"
            )
        has_password = bool(self.mail_password.get_secret_value())
        if bool(self.mail_user) != has_password:
            raise ValueError("LONGSCRIBE_MAIL_USER and LONGSCRIBE_MAIL_PASSWORD belong together")
        if has_password and self.mail_security == "none" and not _is_this_machine(self.mail_host):
            raise ValueError(
                "LONGSCRIBE_MAIL_SECURITY is none, and the password would go over the network in "
                "the open: set starttls or tls"
            )
        return self

    @property
    def sends_mail(self) -> bool:
        """Return whether people can be notified by mail."""
        return bool(self.mail_host)

    @property
    def sends_pushes(self) -> bool:
        """Return whether people can be notified in browsers."""
        return bool(self.push_contact)

    @property
    def resolved_mail_port(self) -> int:
        return self.mail_port or _PORTS[self.mail_security]


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
