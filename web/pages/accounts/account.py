"""Setting up, signing in and out, and what a person changes about their own account."""

from __future__ import annotations

from math import ceil
from typing import Any
from uuid import UUID

import structlog
from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _

from shared import accounts
from shared.accounts import Person, SecondStepNeeded
from shared.accounts.errors import (
    KeyNotFound,
    SetUpDone,
    TooManyAttempts,
    Unauthorized,
    WrongPassword,
    WrongSetUpCode,
)
from shared.accounts.set_up import is_set_up_code
from shared.errors import InvalidRequest, LongscribeError
from web.authentication.client_address import address, attempt_limit
from web.authentication.first_run import announce_set_up
from web.authentication.sign_in import begin_session, current_person, end_session
from web.errors import WITH_RETRY_AFTER, localised_error, retry_after_s
from web.http.repeated_forms import is_sent_again
from web.pages.accounts import begun_sign_ins
from web.pages.confirmation import is_confirmed, question_page
from web.quotas.texts import own_usage_texts
from web.services import services
from web.site_address import same_site_path

SIGNED_IN_AT = "provider"
"""Key in the session of the id of the provider at which this sign-in began."""

log = structlog.stdlib.get_logger(__name__)

account = Blueprint("account", __name__)


def shown_once(html: str, status: int = 200) -> Response:
    """A response that browsers do not store, since it contains a secret."""
    response = make_response(html, status)
    response.headers["Cache-Control"] = "no-store"
    return response


def render(template: str, **context: Any) -> str:
    """Render a page about accounts, without the notice of the demonstration model."""
    return render_template(template, demo_notice=None, **context)


def error_text(error: LongscribeError) -> str:
    return localised_error(error)


def refused(template: str, error: LongscribeError, **context: Any) -> Response:
    """Render the form again with the error."""
    response = make_response(
        render(
            template,
            problem=error_text(error),
            param=error.param,
            **context,
        ),
        error.http_status,
    )
    if error.http_status in WITH_RETRY_AFTER:
        response.headers["Retry-After"] = str(ceil(retry_after_s(error)))
    return response


def refused_sign_in(error: LongscribeError, *, target: str, name: str = "") -> Response:
    """Render the sign-in page again with the error."""
    providers = services().providers
    return refused("account/sign_in.html", error, next=target, name=name, providers=providers)


def leaving(url: str, provider: str, *, to_sign_in: bool = False) -> Response:
    """A page that leads on to a provider.

    Not a redirect: it answers a form, and the policy of our pages lets forms lead to this site
    only, however many redirects later.
    """
    html = render("account/leaving.html", url=url, provider=provider, to_sign_in=to_sign_in)
    response = shown_once(html)
    response.headers["Refresh"] = f"0; url={url}"
    return response


def me() -> Person:
    """The person who sent this request. Raises Unauthorized."""
    person = current_person()
    if person is None:
        raise Unauthorized
    return person


@account.get("/sign-in")
def sign_in() -> Any:
    target = same_site_path(request.args.get("next"))
    if current_person() is not None:
        return redirect(target, 303)
    if not accounts.is_set_up(services().db):
        return redirect(url_for(".set_up"), 303)
    return render("account/sign_in.html", next=target, providers=services().providers)


@account.post("/sign-in")
def do_sign_in() -> Any:
    target = same_site_path(request.form.get("next"))
    here = services()
    name = request.form.get("name", "")
    try:
        person, token = accounts.sign_in(
            here.db,
            accounts.session_limits(here.settings),
            attempt_limit(),
            name=name,
            password=request.form.get("password", ""),
            address=address(),
        )
    except SecondStepNeeded as needed:
        end_session()
        begun_sign_ins.await_code(needed, target)
        return redirect(url_for(".second_step"), 303)
    except (WrongPassword, TooManyAttempts) as error:
        log.warning("sign-in refused", code=error.code, client=address())
        return refused_sign_in(error, target=target, name=name)
    begin_session(token)
    log.info("signed in", account=person.id)
    return redirect(target, 303)


@account.get("/set-up")
def set_up() -> Any:
    here = services()
    if accounts.is_set_up(here.db):
        return redirect(url_for(".sign_in"), 303)
    announce_set_up(here.settings)
    return render("account/set_up.html")


@account.post("/set-up")
def do_set_up() -> Any:
    here = services()
    name = request.form.get("name", "")
    code = request.form.get("code", "")
    try:
        with accounts.attempt(here.db, attempt_limit(), name="", address=address()):
            if not is_set_up_code(here.settings, code):
                raise WrongSetUpCode(param="code")
        person = accounts.add_first_admin(
            here.db, name=name, password=request.form.get("password", "")
        )
    except SetUpDone:
        return redirect(url_for(".sign_in"), 303)
    except (InvalidRequest, TooManyAttempts) as error:
        return refused("account/set_up.html", error, name=name, code=code)
    begin_session(accounts.begin(here.db, person.id))
    log.warning("set up", account=person.id, client=address())
    flash(_("This server is set up, and you are its administrator."), "done")
    return redirect(url_for("pages.index"), 303)


@account.post("/sign-out")
def sign_out() -> Any:
    here = services()
    provider = here.providers.get(session.get(SIGNED_IN_AT, ""))
    end_session()
    url = provider and provider.end_session_url(url_for(".sign_in", _external=True))
    if provider and url:
        return without_cached_pages(leaving(url, provider.configured.name))
    return _signed_out(_("You are signed out."))


@account.post("/sign-out-everywhere")
def sign_out_everywhere() -> Any:
    accounts.end_all(services().db, me().id)
    end_session()
    return _signed_out(_("You are signed out in every browser."))


def _signed_out(message: str) -> Any:
    flash(message, "done")
    return without_cached_pages(redirect(url_for(".sign_in"), 303))


def without_cached_pages(response: Any) -> Any:
    # Or the next who sits here goes back to the pages of the one before.
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def own_page(status: int = 200, **context: Any) -> Response:
    """The person's page; with `context` it may have a secret, and browsers do not store it."""
    here = services()
    html = render(
        "account/account.html",
        keys=accounts.keys_of(here.db, me().id),
        connections=accounts.connections_of(here.db, me().id),
        providers={one.issuer: one for one in here.providers},
        share_texts=own_usage_texts(),
        asks_for_password=me().has_password,
        asks_for_code=accounts.has_authenticator(here.db, me().id),
        **context,
    )
    return shown_once(html, status) if context else make_response(html, status)


@account.get("/account")
def own() -> Response:
    return own_page()


@account.get("/account/password")
def own_password() -> str:
    return render("account/password.html")


@account.post("/account/password")
def change_own_password() -> Any:
    person = me()
    new = request.form.get("password", "")
    try:
        accounts.change_password(
            services().db,
            attempt_limit(),
            user_id=person.id,
            current=request.form.get("current", ""),
            new=new,
            address=address(),
        )
    except (WrongPassword, InvalidRequest, TooManyAttempts) as error:
        return refused("account/password.html", error)
    provider_id = session.get(SIGNED_IN_AT)
    begin_session(accounts.begin(services().db, person.id))
    if provider_id is not None:  # where signing out leads to
        session[SIGNED_IN_AT] = provider_id
    log.info("password changed", account=person.id)
    flash(_("The password is changed. You are signed out in all other browsers."), "done")
    return redirect(url_for(".own"), 303)


@account.get("/account/keys")
def keys() -> Any:
    """Redirect those who return to the page on which a key was shown."""
    return redirect(url_for(".own"), 303)


@account.post("/account/keys")
def make_key() -> Any:
    person = me()
    if is_sent_again():
        flash(_("That was done already. What was shown then is shown once only."), "done")
        return redirect(url_for(".own"), 303)
    name = request.form.get("name", "")
    try:
        key = accounts.make_key(services().db, user_id=person.id, name=name)
    except InvalidRequest as error:
        return own_page(error.http_status, problem=error_text(error), name=name)
    log.info("API key made", account=person.id)
    return own_page(201, key=key, key_name=name)


@account.post("/account/keys/<uuid:key_id>/revoke")
def revoke_key(key_id: UUID) -> Any:
    person = me()
    if not is_confirmed():
        own = [one for one in accounts.keys_of(services().db, person.id) if one.id == str(key_id)]
        if not own:
            raise KeyNotFound
        return question_page("API key", back=url_for(".own", _anchor="keys"), name=own[0].name)
    accounts.revoke_key(services().db, user_id=person.id, key_id=str(key_id))
    log.info("API key revoked", account=person.id)
    flash(_("The key is revoked: nothing signs in with it any more."), "done")
    return redirect(url_for(".own"), 303)
