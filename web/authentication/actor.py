"""Actor of a request for the audit log, determined once for each request."""

from __future__ import annotations

from flask import Flask, g, request

from shared import audit
from shared.accounts import LOCAL_OWNER, Credential, CredentialKind, Person
from shared.audit import Actor, Means
from shared.settings import Settings


def name_actors(app: Flask, settings: Settings) -> None:
    """Let each request act for nobody until `acts_for` says for whom; without sign-in, for whom
    everything belongs to. Call it after `log_requests`, which gives the request its number."""
    nobody = None if settings.requires_sign_in else LOCAL_OWNER

    def begin() -> None:
        audit.let_act(
            Actor(
                Means.NOBODY,
                nobody,
                address=request.remote_addr,
                request_id=g.get("request_id"),
            )
        )

    app.before_request(begin)
    app.teardown_request(lambda _error: audit.let_act(audit.SERVER))


def acts_for(person: Person, credential: Credential | None) -> None:
    """Let this request act for an account, by what it proved that with."""
    by_key = credential is not None and credential.kind is CredentialKind.API_KEY
    audit.let_act(
        Actor(
            Means.API_KEY if by_key else Means.SESSION,
            person.id,
            key_sha256=credential.sha256 if by_key and credential is not None else None,
            address=request.remote_addr,
            request_id=g.get("request_id"),
        )
    )
