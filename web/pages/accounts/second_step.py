"""The second step of a sign-in: the page that asks for a code, and the one on which a person adds
and removes their authenticator app."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Response, flash, redirect, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from shared import accounts
from shared.accounts.errors import AuthenticatorThere, TooManyAttempts, WrongCode, WrongPassword
from shared.errors import LongscribeError
from web.authentication.client_address import address, attempt_limit
from web.authentication.sign_in import begin_session, current_person, end_session
from web.http.repeated_forms import is_sent_again
from web.pages.accounts import begun_sign_ins
from web.pages.accounts.account import account, me, refused, refused_sign_in, render, shown_once
from web.pages.accounts.reauthentication import (
    given_code,
    require_password,
    require_password_and_code,
)
from web.services import services
from web.site_address import same_site_path

log = structlog.stdlib.get_logger(__name__)

_PAGE = "account/second_step.html"


@account.get("/second-step")
def second_step() -> Any:
    if current_person() is not None or begun_sign_ins.awaited_code() is None:
        return redirect(url_for(".sign_in"), 303)
    return render(_PAGE)


@account.post("/second-step")
def do_second_step() -> Any:
    asked = begun_sign_ins.awaited_code()
    if asked is None:
        return redirect(url_for(".sign_in"), 303)
    needed = asked[0]
    target = same_site_path(asked[1])
    try:
        person, token = accounts.finish_sign_in(
            services().db,
            attempt_limit(),
            needed,
            code=request.form.get("code", ""),
            address=address(),
        )
    except (WrongCode, TooManyAttempts) as error:
        log.warning("second step refused", code=error.code, client=address())
        return refused(_PAGE, error)
    except WrongPassword as error:
        end_session()
        return refused_sign_in(error, target=target)
    begin_session(token)
    log.info("signed in", account=person.id, second_step=True)
    return redirect(target, 303)


@account.get("/account/authenticator")
def authenticator() -> Any:
    if not me().has_password:
        return redirect(url_for(".own"), 303)
    return _authenticator_page()


@account.post("/account/authenticator")
def begin_authenticator() -> Any:
    """Show a new secret to who knows the password: at a browser left open nobody else may add a
    phone that its owner has not."""
    try:
        require_password()
        accounts.begin_enrolment(services().db, me().id)
    except (WrongPassword, TooManyAttempts, AuthenticatorThere) as error:
        return _authenticator_page(error)
    return redirect(url_for(".authenticator"), 303)


@account.post("/account/authenticator/confirm")
def confirm_authenticator() -> Any:
    if is_sent_again():
        return _done_already()
    try:
        codes = accounts.confirm(services().db, attempt_limit(), user_id=me().id, **given_code())
    except (WrongCode, TooManyAttempts) as error:
        return _authenticator_page(error)
    log.info("authenticator added", account=me().id)
    return _authenticator_page(codes=codes)


@account.post("/account/authenticator/codes")
def replace_codes() -> Any:
    if is_sent_again():
        return _done_already()
    try:
        accounts.prove(services().db, attempt_limit(), user_id=me().id, **given_code())
    except (WrongCode, TooManyAttempts) as error:
        return _authenticator_page(error)
    codes = accounts.replace_recovery_codes(services().db, me().id)
    log.info("recovery codes made", account=me().id)
    return _authenticator_page(codes=codes)


@account.post("/account/authenticator/remove")
def remove_authenticator() -> Any:
    try:
        require_password_and_code()
    except (WrongPassword, WrongCode, TooManyAttempts) as error:
        return _authenticator_page(error)
    if accounts.remove_authenticator(services().db, me().id):
        log.info("authenticator removed", account=me().id)
        flash(_("Your password alone signs you in from now on."), "done")
    return redirect(url_for(".own"), 303)


@account.get("/account/authenticator/<any(confirm, codes, remove):_step>")
def back_to_authenticator(_step: str) -> Any:
    """Redirect those who return to a page on which codes were shown."""
    return redirect(url_for(".authenticator"), 303)


def _done_already() -> Any:
    flash(_("That was done already. What was shown then is shown once only."), "done")
    return redirect(url_for(".authenticator"), 303)


def _authenticator_page(
    error: LongscribeError | None = None, *, codes: list[str] | None = None
) -> Response:
    db, person = services().db, me()
    secret = accounts.secret_to_confirm(db, person.id) or ""
    context: dict[str, Any] = {
        "added": accounts.has_authenticator(db, person.id),
        "codes": codes,
        "codes_left": accounts.recovery_codes_left(db, person.id),
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        if secret
        else "",
        "qr": _qr_code(secret, person.name) if secret else "",
    }
    if error is None:
        return shown_once(render("account/authenticator.html", **context))
    response = refused("account/authenticator.html", error, **context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _qr_code(secret: str, name: str) -> Markup:
    """The picture that an app reads the secret from, as SVG: dark on light in both themes, for
    that is what cameras look for."""
    import pyotp
    import segno

    uri = pyotp.TOTP(secret).provisioning_uri(
        name=f"{name} ({request.host})", issuer_name="Longscribe"
    )
    picture = segno.make(uri, error="m", micro=False)
    return Markup(picture.svg_inline(scale=5, border=4, dark="#000", light="#fff"))
