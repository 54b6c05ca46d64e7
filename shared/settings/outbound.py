"""The settings of what this server may ask of others."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.outbound.addresses import AddressRules


class OutboundSettings(BaseSettings):
    """The part of `shared.settings.Settings` that says where this server sends requests."""

    model_config = SettingsConfigDict(
        env_prefix="LONGSCRIBE_", frozen=True, extra="ignore", protected_namespaces=()
    )

    outbound_networks: str = Field(
        "",
        description="Private networks that addresses named by users may lead into, with commas: "
        "10.1.0.0/16,127.0.0.1/32; empty: none.",
    )
    outbound_http: Literal["refused", "allowed"] = Field(
        "refused",
        description="allowed: addresses named by users may begin with http://, which everybody on "
        "the way can read.",
    )
    webhooks: Literal["allowed", "forbidden"] = Field(
        "allowed",
        description="allowed: each owner may have events of their jobs sent to addresses of their "
        "own. forbidden: nothing is sent.",
    )
    webhook_timeout_s: float = Field(
        15, gt=0, le=120, description="Longest time for one delivery of a webhook, as a whole."
    )
    webhook_disable_days: float = Field(
        5,
        gt=0,
        description="A webhook that failed for so long without a success is switched off.",
    )

    url_input: Literal["off", "on"] = Field(
        "off",
        description="on: a recording may be named by an address, which this server then fetches.",
    )
    fetch_hours: float = Field(
        6, gt=0, le=24, description="Longest time for fetching a recording, pauses included."
    )

    @field_validator("outbound_networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        for one in _listed(value):
            try:
                ip_network(one)
            except ValueError as error:
                raise ValueError(f"must be networks such as 10.1.0.0/16: {error}") from None
        return value

    @property
    def outbound_rules(self) -> AddressRules:
        return AddressRules(
            networks=tuple(map(ip_network, _listed(self.outbound_networks))),
            http=self.outbound_http == "allowed",
        )


def _listed(value: str) -> list[str]:
    return [one.strip() for one in value.split(",") if one.strip()]
