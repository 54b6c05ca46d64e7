"""Proof of a request's sender, as a hash that one SQL statement can look up by key."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import BindParameter, ScalarSelect, select

from shared.accounts.sign_in_expiry import SessionLimits, is_over
from shared.db import database_now
from shared.models import ApiKey, SignIn, User

NOTED_EVERY_S = 60.0
"""The shortest time, in seconds, between two writes of the last use of a key or a sign-in."""


class CredentialKind(StrEnum):
    API_KEY = "api_key"
    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True)
class Credential:
    """An API key, or the token of a browser's sign-in, by its SHA-256 as it is stored."""

    kind: CredentialKind
    sha256: str


def key_credential(key: str) -> Credential:
    return Credential(CredentialKind.API_KEY, digest(key))


def session_credential(token: str) -> Credential:
    return Credential(CredentialKind.SIGN_IN, digest(token))


def digest(secret: str) -> str:
    """SHA-256 of an API key or a token, in hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def noted_every_s(limits: SessionLimits) -> float:
    """Seconds between two writes of a sign-in's last use."""
    return min(NOTED_EVERY_S, limits.idle_s / 4)


def select_account(
    kind: CredentialKind, sha256: BindParameter[str], limits: SessionLimits
) -> ScalarSelect[Any]:
    """Select the id of the account that a credential opens now, or null.

    Null too where more has to be done than to look: where the use has to be noted again, and where
    a person who signed in has to choose another password.
    """
    wanted = select(User.id).where(User.disabled_at.is_(None))
    if kind is CredentialKind.API_KEY:
        return (
            wanted.join(ApiKey, ApiKey.user_id == User.id)
            .where(
                ApiKey.key_sha256 == sha256,
                ApiKey.revoked_at.is_(None),
                ApiKey.last_used_at > database_now(-NOTED_EVERY_S),
            )
            .scalar_subquery()
        )
    return (
        wanted.join(SignIn, SignIn.user_id == User.id)
        .where(
            SignIn.token_sha256 == sha256,
            User.password_is_temporary.is_(False),
            SignIn.seen_at > database_now(-noted_every_s(limits)),
            ~is_over(limits),
        )
        .scalar_subquery()
    )
