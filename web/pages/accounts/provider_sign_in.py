"""Signing in at an OpenID Connect provider, and connecting an account with somebody there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog
from flask import Response, abort, flash, redirect, request, session, url_for
from flask_babel import gettext as _

from shared import accounts
from shared.accounts import Person, Vouched
from shared.accounts.errors import LastWayIn, TooManyAttempts, WrongCode, WrongPassword
from shared.errors import LongscribeError
from web.authentication.client_address import address
from web.authentication.sign_in import begin_session, current_person
from web.oidc.claims import read_claims
from web.oidc.errors import (
    NotPermitted,
    ProviderDeclined,
    ProviderNotBelieved,
    ProviderUnavailable,
    SignInNotBegun,
)
from web.oidc.provider import Begun, Provider
from web.oidc.provider_requests import error_code
from web.pages.accounts import begun_sign_ins
from web.pages.accounts.account import (
    SIGNED_IN_AT,
    account,
    error_text,
    leaving,
    me,
    own_page,
    refused_sign_in,
)
from web.pages.accounts.reauthentication import require_password_and_code
from web.services import services
from web.site_address import same_site_path

log = structlog.stdlib.get_logger(__name__)

_GROUPS_LOGGED = 10


@account.get("/sign-in/<provider_id>")
def begin_at_provider(provider_id: str) -> Any:
    provider = _provider(provider_id)
    target = same_site_path(request.args.get("next"))
    if current_person() is not None:
        return redirect(target, 303)
    if not accounts.is_set_up(services().db):
        return redirect(url_for(".set_up"), 303)
    try:
        url = _begin(provider, target=target)
    except (ProviderUnavailable, ProviderNotBelieved) as error:
        return _not_signed_in(provider_id, error, target)
    return _unstored(redirect(url, 303))


@account.get("/sign-in/<provider_id>/answer")
def answer_of_provider(provider_id: str) -> Any:
    """Handle the request with which the provider sends the browser back."""
    provider = _provider(provider_id)
    taken = begun_sign_ins.take(request.args.get("state", ""), provider_id)
    if taken is None:
        return _not_signed_in(provider_id, SignInNotBegun(), "")
    begun, target, connected = taken
    try:
        vouched = _vouched(provider, begun)
        if connected:
            return _connected(provider, vouched, connected)
        return _signed_in(provider, vouched, same_site_path(target))
    except LongscribeError as error:
        if connected and current_person() is not None:
            _log_refusal(provider_id, error)
            return own_page(error.http_status, connection_problem=error_text(error))
        return _not_signed_in(provider_id, error, target)


@account.post("/account/connections/<provider_id>")
def connect_provider(provider_id: str) -> Any:
    """Lead there whoever proves to be the account's person: a connection outlives this sign-in, a
    new password and signing out everywhere."""
    provider = _provider(provider_id)
    try:
        if me().has_password:
            require_password_and_code()
        url = _begin(provider, target="", connected=me())
    except (WrongPassword, WrongCode, TooManyAttempts) as error:
        return own_page(error.http_status, connection_problem=error_text(error))
    except (ProviderUnavailable, ProviderNotBelieved) as error:
        _log_refusal(provider_id, error)
        return own_page(error.http_status, connection_problem=error_text(error))
    return leaving(url, provider.configured.name, to_sign_in=True)


@account.post("/account/connections/<uuid:identity_id>/remove")
def disconnect_provider(identity_id: UUID) -> Any:
    try:
        accounts.disconnect(
            services().db,
            me().id,
            str(identity_id),
            issuers=[one.issuer for one in services().providers],
        )
    except LastWayIn as error:
        return own_page(error.http_status, connection_problem=error_text(error))
    log.info("provider disconnected", account=me().id)
    flash(_("The connection is removed: nobody signs in with it any more."), "done")
    return redirect(url_for(".own"), 303)


def _provider(provider_id: str) -> Provider:
    provider = services().providers.get(provider_id)
    if provider is None:
        abort(404)
    return provider


def _begin(provider: Provider, *, target: str, connected: Person | None = None) -> str:
    """The address at which the person signs in. Raises as `Provider.authorization_url`."""
    begun = Begun.new()
    url = provider.authorization_url(begun, _answer_address(provider))
    begun_sign_ins.remember(
        begun,
        provider=provider.configured.id,
        target=target,
        account=connected.id if connected else "",
    )
    return url


def _answer_address(provider: Provider) -> str:
    """Redirect address, which has to be registered at the provider."""
    return url_for(".answer_of_provider", provider_id=provider.configured.id, _external=True)


def _vouched(provider: Provider, begun: Begun) -> Vouched:
    """Ask the provider who signed in. Raises an error of `web.oidc.errors`."""
    code = request.args.get("code", "")
    if not code or "error" in request.args:
        raise ProviderDeclined
    claims = provider.claims(
        begun, _answer_address(provider), code=code, issuer=request.args.get("iss")
    )
    told = read_claims(provider.configured, claims)
    if not told.is_permitted:
        raise NotPermitted
    return Vouched(told.issuer, told.subject, told.name, told.is_admin, told.groups)


def _signed_in(provider: Provider, vouched: Vouched, target: str) -> Response:
    here = services()
    entered = accounts.enter(
        here.db,
        accounts.session_limits(here.settings),
        vouched,
        may_create=provider.configured.create_accounts,
    )
    begin_session(entered.token)
    session[SIGNED_IN_AT] = provider.configured.id
    log.info(
        "signed in",
        account=entered.person.id,
        provider=provider.configured.id,
        is_new=entered.is_new,
        is_admin=entered.person.is_admin,
    )
    if entered.stayed_admin:
        log.warning(
            "the only administrator has no group for that at the provider any more",
            account=entered.person.id,
            provider=provider.configured.id,
        )
    if entered.groups_left_out:
        log.warning(
            "groups of the provider left out: the name cannot be used, another group has it, or "
            "there are too many",
            account=entered.person.id,
            provider=provider.configured.id,
            groups=entered.groups_left_out[:_GROUPS_LOGGED],
            count=len(entered.groups_left_out),
        )
    return _unstored(redirect(target, 303))


def _connected(provider: Provider, vouched: Vouched, account_id: str) -> Response:
    """Connect the account that asked for it. Raises SignInNotBegun where somebody else is signed in
    by now, or IdentityTaken."""
    person = current_person()
    if person is None or person.id != account_id:
        raise SignInNotBegun
    accounts.connect(services().db, person.id, vouched)
    log.info("provider connected", account=person.id, provider=provider.configured.id)
    flash(
        _("You can sign in with %(provider)s from now on.", provider=provider.configured.name),
        "done",
    )
    return _unstored(redirect(url_for(".own"), 303))


def _not_signed_in(provider_id: str, error: LongscribeError, target: str) -> Response:
    _log_refusal(provider_id, error)
    return refused_sign_in(error, target=same_site_path(target))


def _log_refusal(provider_id: str, error: LongscribeError) -> None:
    # Neither a token nor a code, and of what a browser sends nothing that is not a code of OAuth.
    reason = getattr(error, "reason", "") or error_code(request.args.get("error"))
    log.warning(
        "sign-in at a provider refused",
        provider=provider_id,
        code=error.code,
        reason=reason,
        client=address(),
    )


def _unstored(response: Any) -> Response:
    """The address of this response had a code in it, or its cookie has a state."""
    response.headers["Cache-Control"] = "no-store"
    return response
