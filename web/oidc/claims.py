"""Reading of the claims of a person who signed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from shared.accounts import GroupsThere
from shared.settings.sign_in import OidcProvider

_NAMES = ("preferred_username", "name", "nickname", "email")
"""Claims in which a name is looked for if the wanted claim has none. It is only a name: an account
is found by issuer and subject, whatever address or name a provider tells."""


@dataclass(frozen=True, slots=True)
class SignedInThere:
    """A person as their provider tells of them."""

    issuer: str
    subject: str
    name: str
    is_admin: bool | None
    """True for an administrator; None where the provider does not decide about that."""
    is_permitted: bool
    groups: GroupsThere | None
    """Groups of the account; None where the provider does not decide about groups."""


def is_incomplete(provider: OidcProvider, claims: dict[str, Any]) -> bool:
    """Return whether required claims are missing; the provider may give them when asked."""
    wanted = [provider.name_claim, *provider.required_claims]
    if provider.needs_groups:
        wanted.append(provider.groups_claim)
    return any(_at(claims, name) is None for name in wanted)


def read_claims(provider: OidcProvider, claims: dict[str, Any]) -> SignedInThere:
    """Read verified claims."""
    groups = _groups(_at(claims, provider.groups_claim))
    permitted = not provider.allowed_groups or bool(groups & set(provider.allowed_groups))
    permitted = permitted and all(
        _at(claims, name) == value for name, value in provider.required_claims.items()
    )
    return SignedInThere(
        issuer=provider.issuer,
        subject=claims["sub"],
        name=_name(provider, claims),
        is_admin=bool(groups & set(provider.admin_groups)) if provider.admin_groups else None,
        is_permitted=permitted,
        groups=_groups_here(provider, groups) if provider.fills_groups else None,
    )


def _name(provider: OidcProvider, claims: dict[str, Any]) -> str:
    for claim in (provider.name_claim, *_NAMES):
        value = _at(claims, claim)
        if isinstance(value, str) and value.strip():
            return value.strip()
    return provider.name


def _groups_here(provider: OidcProvider, groups: set[str]) -> GroupsThere:
    """Groups of this server that the provider's groups correspond to."""
    others = frozenset(groups - provider.groups.keys()) if provider.all_groups else frozenset()
    return GroupsThere(
        governed=frozenset(provider.groups.values()),
        within=frozenset(ours for theirs, ours in provider.groups.items() if theirs in groups),
        follows_others=provider.all_groups,
        others=others,
    )


def _groups(value: object) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, list):
        return {one for one in value if isinstance(one, str)}
    return set()


def _at(claims: dict[str, Any], name: str) -> object:
    """The claim of that name, or else what its dots lead to."""
    if name in claims:
        return claims[name]
    found: object = claims
    for part in name.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(part)
    return found
