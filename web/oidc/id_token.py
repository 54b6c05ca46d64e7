"""Verification of ID tokens: the signature first, then the claims.

joserfc reads and verifies signatures, and Authlib knows which claims OpenID Connect asks for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from shared.strict_json import UnwritableJson, require_writable
from web.oidc.errors import ProviderNotBelieved

SIGNATURES = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
)
"""Signatures with a private key. Not `none`; and not HS256 and its like, whose secret would let a
public key pass for one."""

CLOCK_SKEW_S = 120
"""Seconds that the clocks of this machine and of the provider may differ."""

LONGEST_TOKEN = 64 * 1024
"""Characters of an ID token; one of somebody in hundreds of groups has 20,000."""

LONGEST_SUBJECT = 255
"""Characters, as OpenID Connect says."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Values that an ID token has to have."""

    issuer: str
    client_id: str
    nonce: str


class UnknownKey(ProviderNotBelieved):
    """Signature by none of the provider's known keys; it may have others by now."""


def read_keys(key_set: dict[str, Any]) -> KeySet:
    """The public keys in a JWK set that can be used here. Raises ProviderNotBelieved."""
    listed = key_set.get("keys")
    usable: list[dict[str, Any]] = []
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and one.get("kty") != "oct" and one.get("use", "sig") == "sig":
            try:
                KeySet.import_key_set({"keys": [one]})
            except (JoseError, ValueError, TypeError, KeyError):
                continue  # of a kind that is not known here
            usable.append(one)
    if not usable:
        raise ProviderNotBelieved("keys: none that can be used")
    return KeySet.import_key_set({"keys": usable})


def verified_claims(
    token: object, keys: KeySet, expected: Expected, *, access_token: str | None
) -> dict[str, Any]:
    """The claims of an ID token. Raises UnknownKey or ProviderNotBelieved."""
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN:
        raise ProviderNotBelieved("ID token: missing, or too large")
    try:
        read = jwt.decode(token, keys, algorithms=SIGNATURES)
    except (InvalidKeyIdError, BadSignatureError):
        raise UnknownKey("ID token: no key of the provider's made its signature") from None
    except (JoseError, ValueError, TypeError, KeyError) as error:
        # The class and not the text, which may quote the token.
        raise ProviderNotBelieved(f"ID token: {type(error).__name__}") from None
    _require(read.header, dict(read.claims), expected, access_token)
    return dict(read.claims)


def _require(
    header: dict[str, Any], claims: dict[str, Any], expected: Expected, access_token: str | None
) -> None:
    try:
        require_writable(claims)
    except UnwritableJson:
        raise ProviderNotBelieved("ID token: claims that are no JSON") from None
    options = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
    }
    params = {
        "nonce": expected.nonce,
        "client_id": expected.client_id,
        "access_token": access_token,
    }
    try:
        CodeIDToken(claims, header, options, params).validate(
            now=int(time.time()), leeway=CLOCK_SKEW_S
        )
    except JoseError as error:
        claim = getattr(error, "claim", "") or ""
        raise ProviderNotBelieved(f"ID token: {type(error).__name__} {claim}".rstrip()) from None
    except (ValueError, TypeError, KeyError) as error:
        raise ProviderNotBelieved(f"ID token: {type(error).__name__}") from None
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
        raise ProviderNotBelieved("ID token: sub is no text of 1 to 255 characters")
