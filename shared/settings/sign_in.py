"""The settings of signing in: how long it lasts, and the OpenID Connect providers that the operator
names."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

_MOST_PROVIDERS = 10


class OidcProvider(BaseModel):
    """OpenID Provider, and the rights that its answers give here."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    """Id in the addresses of its sign-in; kept for good, since the provider has them registered."""
    name: str = Field(min_length=1, max_length=64)
    """Name on its button."""
    issuer: str = Field(min_length=1, max_length=255)
    """Issuer exactly as the provider writes it, with or without a slash at its end."""
    client_id: str = Field(min_length=1, max_length=255)
    client_secret: SecretStr = SecretStr("")
    """Secret of the client; empty for a public client, which PKCE alone protects."""
    client_secret_file: str = ""
    """A file whose first line is the secret."""
    scopes: list[str] = ["openid", "profile"]
    create_accounts: bool = False
    """True if a person's first sign-in makes an account."""
    name_claim: str = "preferred_username"
    """Claim that a new account is named after."""
    groups_claim: str = "groups"
    """A list of groups; dots lead into objects, such as `realm_access.roles`."""
    groups: dict[str, str] = {}
    """Our groups by the provider's: whoever is in one there is put into ours, and whoever is in
    none that leads to it is taken out."""
    all_groups: bool = False
    """True if each of the provider's other groups becomes one of ours under its own name."""
    admin_groups: list[str] = []
    """Groups whose members are administrators, and others not; empty: the provider does not
    decide."""
    allowed_groups: list[str] = []
    """Groups whose members may sign in; empty: everybody whom the provider knows."""
    required_claims: dict[str, str] = {}
    """Claims that must have just these values."""
    sign_out_there: bool = True
    """True if signing out here leads on to the provider's own sign-out, if it has one."""

    @field_validator("issuer")
    @classmethod
    def _is_an_issuer(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            valid = parts.port != 0 and bool(parts.hostname) and value.isascii()
        except ValueError:
            valid = False
        if not valid or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must be an address such as https://id.example.org/realms/office")
        is_here = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_here):
            raise ValueError("must begin with https://, unless it is on this machine")
        return value

    @field_validator("scopes")
    @classmethod
    def _asks_for_an_id_token(cls, value: list[str]) -> list[str]:
        return value if "openid" in value else ["openid", *value]

    @field_validator("groups")
    @classmethod
    def _names_groups(cls, value: dict[str, str]) -> dict[str, str]:
        if not all(0 < len(name.strip()) <= 64 and name.isprintable() for name in value.values()):
            raise ValueError("each of our groups has a name of 1 to 64 letters")
        return value

    @model_validator(mode="after")
    def _has_one_secret(self) -> Self:
        if self.client_secret_file and self.client_secret.get_secret_value():
            raise ValueError("client_secret and client_secret_file are both set; keep one")
        return self

    @property
    def needs_groups(self) -> bool:
        return bool(self.admin_groups or self.allowed_groups or self.fills_groups)

    @property
    def fills_groups(self) -> bool:
        """Return whether membership in this server's groups follows from the provider's groups."""
        return bool(self.groups or self.all_groups)


class SignInSettings(BaseSettings):
    """The part of `shared.settings.Settings` that says how people sign in."""

    model_config = SettingsConfigDict(
        env_prefix="LONGSCRIBE_", frozen=True, extra="ignore", protected_namespaces=()
    )

    session_idle_hours: float = Field(
        72, gt=0, description="A sign-in ends so long after its last use."
    )
    session_max_hours: float = Field(
        720, gt=0, description="A sign-in ends so long after it began, used or not."
    )
    sign_in_attempts: int = Field(
        10,
        ge=1,
        description="Wrong passwords for an account from one address; five times as many from the "
        "address, ten times as many for the account.",
    )
    sign_in_window_s: float = Field(900, gt=0, description="The time in which they are counted.")
    oidc_providers: SecretStr = Field(
        SecretStr(""),
        description="OpenID Connect providers, as a list in JSON; empty: none.",
    )

    @field_validator("oidc_providers")
    @classmethod
    def _are_providers(cls, value: SecretStr) -> SecretStr:
        _providers(value.get_secret_value())
        return value

    @cached_property
    def oidc(self) -> tuple[OidcProvider, ...]:
        """The providers, each with its secret."""
        return _providers(self.oidc_providers.get_secret_value())


def _providers(text: str) -> tuple[OidcProvider, ...]:
    """Read the list. Raises ValueError, which quotes nothing of it: secrets are inside."""
    if not text.strip():
        return ()
    try:
        given: Any = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, list) or len(given) > _MOST_PROVIDERS:
        raise ValueError(
            f'must be a list of at most {_MOST_PROVIDERS} providers in JSON: [{{"id": "office", '
            '"name": …, "issuer": …, "client_id": …}]; docs/accounts.md has examples'
        )
    made = tuple(_provider(number, one) for number, one in enumerate(given, 1))
    for what in ("id", "issuer"):
        if len({getattr(one, what) for one in made}) < len(made):
            raise ValueError(f"two providers have the same {what}")
    return made


def _provider(number: int, given: Any) -> OidcProvider:
    try:
        made = OidcProvider.model_validate(given)
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        said = problem["msg"].removeprefix("Value error, ")
        raise ValueError(f"provider {number}: {place + ': ' if place else ''}{said}") from None
    if not made.client_secret_file:
        return made
    try:
        lines = Path(made.client_secret_file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    if not lines or not lines[0].strip():
        raise ValueError(
            f"provider {number}: client_secret_file: {made.client_secret_file} cannot be read, or "
            "is empty"
        )
    return made.model_copy(update={"client_secret": SecretStr(lines[0].strip())})
