"""An OpenID Connect provider on loopback, over real HTTP: it checks what a client sends as strictly
as the specifications say, and can be told to lie, to change its keys and to be out of order."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request, Response

CLIENT_ID = "longscribe office"
SECRET = "s3cret: with/signs"


@dataclass
class FakeProvider:
    """OpenID provider for tests. Values set here apply to the next request. Its person signs in
    without being asked."""

    issuer: str = ""
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "u-1"})
    """The claims of the ID token; `sub` is one of them."""
    told_when_asked: dict[str, Any] = field(default_factory=dict)
    """Claims that the userinfo endpoint alone tells."""
    lies: dict[str, Any] = field(default_factory=dict)
    """Claims of the ID token that are not as they should be; None leaves one out."""
    algorithm: str = "ES256"
    client_proves_by: str = "client_secret_basic"
    """Way in which the client proves itself: `client_secret_basic`, `client_secret_post`, or `none`
    for a public client."""
    status: int = 200
    """HTTP status of all answers but the pages that a browser opens."""
    padding: int = 0
    """Bytes that make each answer larger."""
    metadata: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """The paths of all requests."""
    sent: list[str] = field(default_factory=list)
    """Tokens and codes that it handed out."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.change_key()

    def change_key(self) -> None:
        self.key = ECKey.generate_key("P-256", auto_kid=True)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self.asked.append(request.path)
        answer = {
            "/.well-known/openid-configuration": self._metadata,
            "/authorize": self._authorize,
            "/token": self._token,
            "/keys": self._keys,
            "/userinfo": self._userinfo,
        }[request.path]
        said = answer(request)
        if isinstance(said, dict):
            if self.padding:
                said["padding"] = "x" * self.padding
            said = Response(json.dumps(said), status=self.status, mimetype="application/json")
        return said(environ, start_response)

    def _metadata(self, _: Request) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?realm=office",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }

    def _authorize(self, request: Request) -> Response:
        asked = request.args.to_dict()
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT_ID
        assert "openid" in asked["scope"].split() and asked["realm"] == "office"
        assert asked["code_challenge_method"] == "S256" and len(asked["nonce"]) > 40
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        self.sent.append(code)
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        return Response(
            status=302, headers={"Location": f"{asked['redirect_uri']}?{urlencode(answer)}"}
        )

    def _token(self, request: Request) -> dict[str, Any] | Response:
        asked = self.codes.pop(request.form["code"], None)
        verifier = hashlib.sha256(request.form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge:
            return Response('{"error": "invalid_grant"}', 400, mimetype="application/json")
        assert request.form["redirect_uri"] == asked["redirect_uri"]
        assert request.form["grant_type"] == "authorization_code"
        self._require_client(request)
        access_token = secrets.token_urlsafe()
        token = self._id_token(asked["nonce"], access_token)
        self.sent += [token, access_token]
        return {"access_token": access_token, "token_type": "Bearer", "id_token": token}

    def _require_client(self, request: Request) -> None:
        """The client has to prove itself in the one way that is wanted."""
        form = {name: request.form.get(name) for name in ("client_id", "client_secret")}
        if self.client_proves_by == "client_secret_basic":
            assert request.authorization is not None and form == dict.fromkeys(form)
            given = f"{request.authorization.username}:{request.authorization.password}"
            assert given == urlencode({CLIENT_ID: SECRET}).replace("=", ":").replace("+", "%20")
            return
        secret = SECRET if self.client_proves_by == "client_secret_post" else None
        assert request.authorization is None
        assert form == {"client_id": CLIENT_ID, "client_secret": secret}

    def _id_token(self, nonce: str, access_token: str) -> str:
        now = int(time.time())
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 60,
            "nonce": nonce,
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            **self.person,
            **self.lies,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": self.key.kid}
        key: Any = self.key
        if self.algorithm == "HS256":  # with the public key, which everybody knows, as the secret
            key = OctKey.import_key(json.dumps(self.key.as_dict(private=False)))
        if self.algorithm == "none":
            parts = (json.dumps(part).encode() for part in (header, claims))
            return b".".join(map(base64.urlsafe_b64encode, parts)).decode().replace("=", "") + "."
        return jwt.encode(header, claims, key, algorithms=[self.algorithm])

    def _keys(self, _: Request) -> dict[str, Any]:
        strange = {"kty": "new", "kid": "x"}
        return {"keys": [strange, {**self.key.as_dict(private=False), "use": "sig"}]}

    def _userinfo(self, request: Request) -> dict[str, Any]:
        assert request.headers["Authorization"].removeprefix("Bearer ") in self.sent
        return {"sub": self.person["sub"], **self.told_when_asked}


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Log nothing: the addresses have codes, which no log may contain."""


@contextmanager
def running_provider() -> Iterator[FakeProvider]:
    """A provider that listens on a free port of loopback."""
    provider = FakeProvider()
    server = make_server("127.0.0.1", 0, provider, threaded=True, request_handler=_Quiet)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def in_settings(provider: FakeProvider, **changes: Any) -> str:
    """LONGSCRIBE_OIDC_PROVIDERS with it."""
    told = {
        "id": "office",
        "name": "Office",
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret": SECRET,
        "create_accounts": True,
        **changes,
    }
    return json.dumps([{name: value for name, value in told.items() if value is not None}])


def signed_in_there(url: str) -> str:
    """Follow a browser to the provider, whose person signs in. Returns the address on this site
    that the provider sends the browser back to."""
    answer = requests.get(url, allow_redirects=False, timeout=60)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def sign_in_at(client: FlaskClient, next_page: str = "/") -> TestResponse:
    """Sign in at the provider `office` as a browser does. Returns the answer to the way back."""
    begun = client.get("/sign-in/office", query_string={"next": next_page})
    assert begun.status_code == 303, begun.text
    return client.get(signed_in_there(begun.location))
