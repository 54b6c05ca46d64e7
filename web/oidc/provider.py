"""A provider: what it says of itself, and what is asked of it when somebody signs in.

Of Authlib the parts that need no session of `requests` are used, so that every request has the
limits of `provider_requests`.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from shared.settings.sign_in import OidcProvider
from web.oidc.errors import ProviderNotBelieved, ProviderUnavailable
from web.oidc.provider_requests import ask_json

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

KNOWN_FOR_S = 3600.0
"""Seconds after which metadata and keys are asked for again. Unknown keys are asked for at once."""

LEFT_ALONE_S = 10.0
"""Seconds in which a provider that did not answer is not asked for its metadata again, so that
those who try do not all wait for it."""

_AT_ONCE = 3
"""People for whom a process asks a provider at the same time: a slow one must not take all threads,
in which those with a password sign in too."""

_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that somebody began, by the values that its answer has to fit."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Begun:
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class _Metadata:
    """The part of a provider's metadata that is used."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    """Address of what the provider tells of a person; empty if there is none."""
    end_session_endpoint: str
    secret_in_body: bool
    """True if the client's secret goes into the form, since the provider takes no header."""
    tells_issuer: bool
    """True if each answer names its issuer (RFC 9207)."""


class Provider:
    """Provider of LONGSCRIBE_OIDC_PROVIDERS. Threads may share it."""

    def __init__(self, configured: OidcProvider) -> None:
        self.configured = configured
        self._http = urlsplit(configured.issuer).scheme == "http"
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._metadata: tuple[float, _Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._silent_until = 0.0

    def authorization_url(self, begun: Begun, redirect_uri: str) -> str:
        """Address to which the browser is sent for the sign-in. Raises ProviderUnavailable or
        ProviderNotBelieved."""
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        with self._place():
            endpoint = self._known_metadata().authorization_endpoint
        return _with_query(
            endpoint,
            response_type="code",
            client_id=self.configured.client_id,
            redirect_uri=redirect_uri,
            scope=" ".join(self.configured.scopes),
            state=begun.state,
            nonce=begun.nonce,
            code_challenge=create_s256_code_challenge(begun.verifier),
            code_challenge_method="S256",
        )

    def claims(
        self, begun: Begun, redirect_uri: str, *, code: str, issuer: str | None
    ) -> dict[str, Any]:
        """Exchange a code for the claims of who signed in.

        `issuer` is what the answer said of its sender. Raises ProviderUnavailable or
        ProviderNotBelieved.
        """
        with self._place():
            metadata = self._known_metadata()
            if issuer != self.configured.issuer and (issuer or metadata.tells_issuer):
                raise ProviderNotBelieved("answer: of another issuer, or of none")
            answer = self._token(metadata, code, redirect_uri, begun.verifier)
            access_token = answer.get("access_token")
            if not isinstance(access_token, str):
                access_token = None
            claims = self._verified(metadata, answer.get("id_token"), begun.nonce, access_token)
            return self._completed(metadata, claims, access_token)

    def end_session_url(self, return_to: str) -> str | None:
        """Address at which the browser signs out at the provider; None where that is not possible,
        not wanted, or cannot be found out now."""
        if not self.configured.sign_out_there:
            return None
        try:
            with self._place():
                endpoint = self._known_metadata().end_session_endpoint
        except (ProviderUnavailable, ProviderNotBelieved):
            return None
        if not endpoint:
            return None
        return _with_query(
            endpoint, client_id=self.configured.client_id, post_logout_redirect_uri=return_to
        )

    def examine(self) -> bool:
        """Ask for metadata and keys, and whether the provider signs people out. Raises
        ProviderUnavailable or ProviderNotBelieved."""
        metadata = self._asked_metadata()
        self._asked_keys(metadata)
        return bool(metadata.end_session_endpoint and self.configured.sign_out_there)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=_WAIT_S):
            raise ProviderUnavailable("too many sign-ins wait for it already")
        try:
            yield
        finally:
            self._places.release()

    def _known_metadata(self) -> _Metadata:
        now = time.monotonic()
        with self._lock:
            known, silent_until = self._metadata, self._silent_until
        if known is not None and now - known[0] < KNOWN_FOR_S:
            return known[1]
        if now < silent_until:
            raise ProviderUnavailable("metadata: did not answer a moment ago")
        try:
            asked = self._asked_metadata()
        except (ProviderUnavailable, ProviderNotBelieved):
            with self._lock:
                self._silent_until = time.monotonic() + LEFT_ALONE_S
            raise
        with self._lock:
            self._metadata = (now, asked)
        return asked

    def _asked_metadata(self) -> _Metadata:
        issuer = self.configured.issuer
        url = issuer.rstrip("/") + "/.well-known/openid-configuration"
        given = ask_json(url, what="metadata", http=self._http)
        if given.get("issuer") != issuer:
            raise ProviderNotBelieved("metadata: its issuer is not the one in the settings")
        ways = given.get("token_endpoint_auth_methods_supported")
        in_body = isinstance(ways, list) and "client_secret_basic" not in ways
        return _Metadata(
            authorization_endpoint=self._endpoint(given, "authorization_endpoint"),
            token_endpoint=self._endpoint(given, "token_endpoint"),
            jwks_uri=self._endpoint(given, "jwks_uri"),
            userinfo_endpoint=self._endpoint(given, "userinfo_endpoint", needed=False),
            end_session_endpoint=self._endpoint(given, "end_session_endpoint", needed=False),
            secret_in_body=in_body,
            tells_issuer=given.get("authorization_response_iss_parameter_supported") is True,
        )

    def _endpoint(self, given: dict[str, Any], name: str, *, needed: bool = True) -> str:
        url = given.get(name)
        if url is None and not needed:
            return ""
        schemes = ("https://", "http://") if self._http else ("https://",)
        if not isinstance(url, str) or not url.startswith(schemes):
            url = ""
        if not (url and url.isascii() and url.isprintable()):
            raise ProviderNotBelieved(f"metadata: {name} is missing, or no https:// address")
        return url

    def _token(
        self, metadata: _Metadata, code: str, redirect_uri: str, verifier: str
    ) -> dict[str, Any]:
        """Redeem a code at the token endpoint."""
        from authlib.oauth2.auth import ClientAuth

        client_id = self.configured.client_id
        secret = self.configured.client_secret.get_secret_value()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        how = "client_secret_post" if metadata.secret_in_body else "client_secret_basic"
        if not secret:
            how = "none"
        elif how == "client_secret_basic":  # encoded as a form first, says RFC 6749
            client_id, secret = quote(client_id, safe=""), quote(secret, safe="")
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        _, headers, body = ClientAuth(client_id, secret, how).prepare(
            "POST", metadata.token_endpoint, headers, urlencode(form)
        )
        return ask_json(
            metadata.token_endpoint,
            what="token",
            http=self._http,
            method="POST",
            headers=headers,
            body=body.encode(),
        )

    def _verified(
        self, metadata: _Metadata, token: object, nonce: str, access_token: str | None
    ) -> dict[str, Any]:
        from web.oidc.id_token import Expected, UnknownKey, verified_claims

        expected = Expected(self.configured.issuer, self.configured.client_id, nonce)
        with self._lock:
            known = self._keys
        if known is not None and time.monotonic() - known[0] < KNOWN_FOR_S:
            try:
                return verified_claims(token, known[1], expected, access_token=access_token)
            except UnknownKey:
                pass  # the provider may sign with another key since
        keys = self._asked_keys(metadata)
        return verified_claims(token, keys, expected, access_token=access_token)

    def _asked_keys(self, metadata: _Metadata) -> KeySet:
        from web.oidc.id_token import read_keys

        keys = read_keys(ask_json(metadata.jwks_uri, what="keys", http=self._http))
        with self._lock:
            self._keys = (time.monotonic(), keys)
        return keys

    def _completed(
        self, metadata: _Metadata, claims: dict[str, Any], access_token: str | None
    ) -> dict[str, Any]:
        """The claims with those that only the userinfo endpoint tells, which overrule none."""
        from web.oidc.claims import is_incomplete

        endpoint = metadata.userinfo_endpoint
        if not endpoint or access_token is None or not is_incomplete(self.configured, claims):
            return claims
        if not access_token.isascii() or not access_token.isprintable():
            raise ProviderNotBelieved("token: cannot be sent in a header")
        told = ask_json(
            endpoint,
            what="userinfo",
            http=self._http,
            headers={"Authorization": f"Bearer {access_token}"},
        )
        if told.get("sub") != claims["sub"]:
            raise ProviderNotBelieved("userinfo: about somebody else")
        return {**told, **claims}


def _with_query(endpoint: str, **parameters: str) -> str:
    """An endpoint with parameters; it may have some of its own."""
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"


class Providers:
    """The providers of the settings, by their ids."""

    def __init__(self, configured: tuple[OidcProvider, ...]) -> None:
        self._by_id = {one.id: Provider(one) for one in configured}

    def __iter__(self) -> Iterator[OidcProvider]:
        return iter([one.configured for one in self._by_id.values()])

    def get(self, provider_id: str) -> Provider | None:
        return self._by_id.get(provider_id)
